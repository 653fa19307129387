"""What a queue of jobs must promise: at least once. A message wakes a worker; which job that worker takes
is the catalog's choice.

All calls block and may come from any thread.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tusd_py.domain.job import JobMessage

UNREACHABLE: Final = "The queue can't be reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was put aside, as it came."""

    payload: bytes
    reason: str

    @property
    def id(self) -> str:
        """A name for people: 12 hexadecimal digits, the same for the same payload."""
        return hashlib.sha256(self.payload).hexdigest()[:12]


class Delivery(Protocol):
    """One message, handed to one consumer until it is settled or the consumer dies."""

    @property
    def message(self) -> JobMessage:
        """What was published."""
        ...

    def ack(self) -> None:
        """Done with it: it is never delivered again."""
        ...

    def dead_letter(self, reason: str) -> None:
        """Put it aside for a person to look at."""
        ...


class JobQueue(Protocol):
    """Messages to workers."""

    def publish_all(self, messages: Sequence[JobMessage]) -> int:
        """Hand messages over, in order, until one can't be.

        Returns: how many are the queue's, one at least; the others may or may not have been taken.
        Raises: BackendError: none is, for all that is known.
        """
        ...

    def receive(self, timeout: float) -> Delivery | None:
        """The next message, or None after ``timeout`` seconds (0: at once)."""
        ...

    def skip_one(self) -> None:
        """Drop one message, if one waits: a worker has begun a job without it. What is no message at
        all is put aside, as ``receive`` does. Does not wait for a broker.

        Raises: BackendError.
        """
        ...

    def depth(self) -> int:
        """Messages waiting or in flight. Raises: BackendError."""
        ...

    def dead_depth(self) -> int:
        """How many messages were put aside. Raises: BackendError."""
        ...

    def check(self) -> None:
        """Ask something small. Raises: BackendError: ``UNREACHABLE``, after 10 s at most."""
        ...

    def dead_letters(self) -> Sequence[DeadLetter]:
        """What was put aside, oldest first: what was no job message, and what a consumer gave up."""
        ...

    def settle_dead_letters(self, ids: Collection[str], *, again: bool) -> Collection[str]:
        """Deliver these once more (``again``), or drop them; the ids that there were.

        Raises: BackendError: some may be settled, the rest is where it was.
        """
        ...

    def close(self) -> None:
        """Wake every receiver and give everything back."""
        ...
