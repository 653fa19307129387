"""What the live view of tasks and its event bus must promise.

The view may be lost at any time: the catalog can rebuild it. All calls block; any thread may call.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskChange, TaskFacts

TTL_SECONDS: Final = DAY_SECONDS
"""How long a view keeps a task after its last change (requirement S8, hole 3)."""
UNREACHABLE: Final = "The live view of tasks can't be reached."

Listener = Callable[[Task], None]
"""Called from any thread, in order per task, possibly with gaps: each carries the whole state.
It must return at once and not raise."""


class Subscription(Protocol):
    """A listener's place on the bus."""

    def close(self) -> None:
        """Stop listening. Idempotent."""
        ...


class TaskView(Protocol):
    """Current state by task; at most one listener call per change, ordered per task."""

    def put(self, facts: TaskFacts, change: TaskChange) -> Task | None:
        """Advance the task by ``domain.task.advance`` and tell the listeners, as one atomic step.

        A task that the view has lost starts anew from ``facts``.
        Returns: the new state; None when the change was stale and nothing was shown.
        Raises: BackendError: nobody knows whether it was taken; put again or leave it.
        """
        ...

    def put_all(self, changes: Sequence[tuple[TaskFacts, TaskChange]]) -> None:
        """``put`` for many at once, in order, which costs little more than one. Raises: BackendError:
        nobody knows which were taken."""
        ...

    def get(self, task_id: UploadId) -> Task | None:
        """The state, or None when unknown or expired. Raises: BackendError."""
        ...

    def list(self, user_id: UserId, *, page: int, size: int) -> tuple[int, list[Task]]:
        """Total number and one page (from 1) of the user's tasks, newest first.

        Raises: BackendError.
        """
        ...

    def forget(self, task_id: UploadId) -> None:
        """Drop the task from the view. Idempotent."""
        ...

    def expire(self) -> int:
        """Drop tasks unchanged for longer than the TTL (requirement S8: 86,400 s); how many."""
        ...

    def subscribe_task(self, task_id: UploadId, listener: Listener) -> Subscription:
        """Hear every change of one task from now on."""
        ...

    def subscribe_user(self, user_id: UserId, listener: Listener) -> Subscription:
        """Hear every change of a user's tasks from now on."""
        ...

    def memory_bytes(self) -> int:
        """What the view takes up: memory of its server, or its file. Raises: BackendError."""
        ...

    def check(self) -> None:
        """Ask something small. Raises: BackendError: ``UNREACHABLE``, after 10 s at most."""
        ...

    def close(self) -> None:
        """End all subscriptions and give everything back."""
        ...
