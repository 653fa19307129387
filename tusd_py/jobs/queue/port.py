"""Port of the queue of jobs: by it, workers wait until a job was queued.

It only gives signs; the catalog decides which job a worker gets, and also without a sign. All
calls block, and any thread may call.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tusd_py.domain.job import JobMessage

UNREACHABLE: Final = "The queue can't be reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Is a message that could not be read, as it came."""

    payload: bytes
    reason: str

    @property
    def id(self) -> str:
        """Name for display: 12 hexadecimal digits, the same for the same payload."""
        return hashlib.sha256(self.payload).hexdigest()[:12]


class MessageBroker(Protocol):
    """Carries messages to the workers of other machines."""

    def publish_all(self, messages: Sequence[JobMessage]) -> int:
        """Publish messages, in order, until one fails.

        Returns: how many the queue has, one at least; it may have some of the others too.
        Raises: BackendError: it has none, as far as is known.
        """
        ...


class JobQueue(Protocol):
    """Lets workers wait for jobs."""

    def wake(self) -> None:
        """Let a worker of this process look for a job now, unless a message will wake one."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait for a sign that a job was queued, and take it: no other worker gets it.

        It may end before ``timeout`` seconds (0: at once) have passed.

        Returns: whether there was a sign. A job may be there without one.
        """
        ...

    def skip_one(self) -> None:
        """Drop one sign, if there is one, since a worker has begun a job without it.

        A payload that is no message becomes a dead letter, as in ``wait``. The call does not wait
        for a broker.

        Raises: BackendError.
        """
        ...

    def depth(self) -> int:
        """Return the number of messages or jobs that wait. Raises: BackendError."""
        ...

    def dead_depth(self) -> int:
        """Return the number of dead letters. Raises: BackendError."""
        ...

    def check(self) -> None:
        """Send a small request. Raises: BackendError: ``UNREACHABLE``, after 10 s at most."""
        ...

    def dead_letters(self) -> Sequence[DeadLetter]:
        """Return the dead letters, oldest first."""
        ...

    def settle_dead_letters(self, ids: Collection[str], *, again: bool) -> Collection[str]:
        """Send these dead letters again (``again``), or drop them; return the ids that existed.

        Raises: BackendError: some may be settled, the others are unchanged.
        """
        ...

    def close(self) -> None:
        """End every ``wait`` and free all resources."""
        ...
