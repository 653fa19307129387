"""Defines the port of the live view of tasks and of its event bus.

The view may be lost at any time: the catalog can rebuild it. All calls block; any thread may call.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskChange, TaskFacts

TTL_SECONDS: Final = DAY_SECONDS
"""Seconds that a view keeps a task after its last change (requirement S8, hole 3)."""
UNREACHABLE: Final = "The live view of tasks can't be reached."

TaskCallback = Callable[[Task], None]
"""Receives states of tasks, from any thread: in order for each task, possibly with gaps.

Each call has the whole state. A callback must return at once and must not raise.
"""


class Subscription(Protocol):
    """Is the subscription of one listener."""

    def close(self) -> None:
        """Stop listening. Idempotent."""
        ...


class TaskView(Protocol):
    """Holds the current state of each task; calls a listener at most once per change, in order."""

    def put(self, facts: TaskFacts, change: TaskChange) -> Task | None:
        """Advance the task by ``domain.task.advance`` and publish it, as one atomic step.

        A task that the view has lost is created again from ``facts``.
        Returns: the new state; None if the change was stale and nothing was published.
        Raises: BackendError: the change may or may not be stored; repeating the call is safe.
        """
        ...

    def put_all(self, changes: Sequence[tuple[TaskFacts, TaskChange]]) -> None:
        """Apply ``put`` to many changes, in order, at little more than the cost of one.

        Raises: BackendError: any of the changes may or may not be stored.
        """
        ...

    def get(self, task_id: UploadId) -> Task | None:
        """Return the state; None if it is unknown or expired. Raises: BackendError."""
        ...

    def get_all(self, ids: Sequence[UploadId]) -> Mapping[UploadId, Task]:
        """Return the states of the tasks that the view has. Raises: BackendError."""
        ...

    def newest(self, user_id: UserId, limit: int) -> Sequence[Task]:
        """Return the user's newest tasks, newest first. Raises: BackendError."""
        ...

    def unfinished(self, user_id: UserId, *, ended_since: float = math.inf) -> Sequence[Task]:
        """Return all of the user's tasks that did not end, or ended then or later, oldest first.

        Args: ended_since: unix seconds.
        Raises: BackendError.
        """
        ...

    def forget(self, task_id: UploadId) -> None:
        """Drop the task from the view. Idempotent."""
        ...

    def expire(self) -> int:
        """Drop tasks unchanged for longer than the TTL (requirement S8: 86,400 s).

        Return their number.
        """
        ...

    def subscribe_task(self, task_id: UploadId, listener: TaskCallback) -> Subscription:
        """Subscribe to every later change of one task."""
        ...

    def subscribe_user(self, user_id: UserId, listener: TaskCallback) -> Subscription:
        """Subscribe to every later change of a user's tasks."""
        ...

    def memory_bytes(self) -> int:
        """Return the bytes of the server's memory or of the view's file. Raises: BackendError."""
        ...

    def check(self) -> None:
        """Send a small request. Raises: BackendError: ``UNREACHABLE``, after 10 s at most."""
        ...

    def close(self) -> None:
        """End all subscriptions and release all resources."""
        ...
