"""Port of the queue of jobs, which delivers at least once.

A message wakes a worker; the catalog decides which job that worker gets. All calls block, and any
thread may call.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tusd_py.domain.job import JobMessage

UNREACHABLE: Final = "The queue can't be reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Is a message that could not be read or that a consumer gave up, as it came."""

    payload: bytes
    reason: str

    @property
    def id(self) -> str:
        """Name for display: 12 hexadecimal digits, the same for the same payload."""
        return hashlib.sha256(self.payload).hexdigest()[:12]


class Delivery(Protocol):
    """Is one message, delivered to one consumer until it is settled or the consumer dies."""

    @property
    def message(self) -> JobMessage:
        """The message that was published."""
        ...

    def ack(self) -> None:
        """Acknowledge the message: it is never delivered again."""
        ...

    def dead_letter(self, reason: str) -> None:
        """Make the message a dead letter, which an operator can examine."""
        ...


class JobQueue(Protocol):
    """Carries messages to workers."""

    def publish_all(self, messages: Sequence[JobMessage]) -> int:
        """Publish messages, in order, until one fails.

        Returns: how many the queue has, one at least; it may have some of the others too.
        Raises: BackendError: it has none, as far as is known.
        """
        ...

    def receive(self, timeout: float) -> Delivery | None:
        """Return the next message, or None after ``timeout`` seconds (0: at once)."""
        ...

    def skip_one(self) -> None:
        """Drop one message, if one waits, since a worker has begun a job without it.

        A payload that is no message becomes a dead letter, as in ``receive``. The call does not
        wait for a broker.

        Raises: BackendError.
        """
        ...

    def depth(self) -> int:
        """Return the number of messages that wait or are in flight. Raises: BackendError."""
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
        """Deliver these dead letters again (``again``), or drop them; return the ids that existed.

        Raises: BackendError: some may be settled, the others are unchanged.
        """
        ...

    def close(self) -> None:
        """Wake every receiver and free all resources."""
        ...
