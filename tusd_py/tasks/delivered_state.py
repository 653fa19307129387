"""What a listener has been told of a task, and what is news to it."""

from dataclasses import dataclass, replace

from tusd_py.domain.task import Task, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A state that a listener has."""

    epoch: str
    seq: int
    ended: bool = False
    rank: int = 0
    attempt: int = 0
    progress: int = 0
    queue_position: int | None = None

    def covers(self, task: Task) -> bool:
        """Whether ``task`` is this state or an older one.

        A view that was set back (a Redis that lost its last minutes) counts on from an older number:
        how a task ended is news all the same. A view that was away is behind the record.
        """
        if task.status.terminal and not self.ended:
            return False
        if self.epoch == task.epoch:
            return self.seq > task.seq or (self.seq == task.seq and not self._moved_up(task))
        behind = task.status.rank < self.rank and task.attempt <= self.attempt
        return behind and not task.status.terminal

    def _moved_up(self, task: Task) -> bool:
        """Whether the same state has another place in the queue now."""
        return task.queue_position not in (None, self.queue_position)

    def told(self, task: Task) -> Task:
        """The task as its listener is told: progress never falls, save to the nought of failure."""
        if task.status is TaskStatus.FAILED or task.progress >= self.progress:
            return task
        return replace(task, progress=self.progress)


def seen_state(task: Task) -> Seen:
    """What a listener has that was told this."""
    return Seen(
        epoch=task.epoch,
        seq=task.seq,
        ended=task.status.terminal,
        rank=task.status.rank,
        attempt=task.attempt,
        progress=task.progress,
        queue_position=task.queue_position,
    )
