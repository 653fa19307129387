"""Compares the state that a subscriber last received with a new state of the same task."""

from dataclasses import dataclass, replace

from tusd_py.domain.task import Task, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredState:
    """Identifies the last state of a task that a subscriber received."""

    epoch: str
    seq: int
    ended: bool = False
    rank: int = 0
    attempt: int = 0
    progress: int = 0
    queue_position: int | None = None

    def covers(self, task: Task) -> bool:
        """Return whether ``task`` is this state or an older one.

        Redis may lose its last minutes and use sequence numbers again, so a terminal state counts
        as new even then. After an outage the view may lag behind the durable record.
        """
        if task.status.terminal and not self.ended:
            return False
        if self.epoch == task.epoch:
            return self.seq > task.seq or (self.seq == task.seq and not self._moved_up(task))
        behind = task.status.rank < self.rank and task.attempt <= self.attempt
        return behind and not task.status.terminal

    def _moved_up(self, task: Task) -> bool:
        """Return whether ``task`` has another place in the queue than this state."""
        return task.queue_position not in (None, self.queue_position)

    def clamp_progress(self, task: Task) -> Task:
        """Return the task as it is sent: progress never falls, except to 0 when the task failed."""
        if task.status is TaskStatus.FAILED or task.progress >= self.progress:
            return task
        return replace(task, progress=self.progress)


def delivered_state(task: Task) -> DeliveredState:
    """Return the state that a subscriber has after it received ``task``."""
    return DeliveredState(
        epoch=task.epoch,
        seq=task.seq,
        ended=task.status.terminal,
        rank=task.status.rank,
        attempt=task.attempt,
        progress=task.progress,
        queue_position=task.queue_position,
    )
