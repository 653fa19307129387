"""Places in the queue, for those who follow tasks: the catalog is read seldom, whatever number of them."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from tusd_py.clock import Clock
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import Task, TaskStatus
from tusd_py.domain.waiting import WaitingJob, WaitingLine, jobs_before

LINES_SECONDS: Final = 5.0
"""All lines are read at most this often, and for at most a twentieth of the time."""
JOBS_SECONDS: Final = 2.0
"""A user's waiting jobs are read at most this often."""
MOST_JOBS: Final = 1000
"""Jobs of a user and lane that have a place; those behind them have none."""
_REST: Final = 20
_WAITING: Final = (TaskStatus.RECEIVED, TaskStatus.PROCESSING)


class WaitingJobs(Protocol):
    """The part of the catalog that is read here."""

    def waiting_lines(self) -> Sequence[WaitingLine]:
        """See ``JobCatalog.waiting_lines``."""
        ...

    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        """See ``JobCatalog.waiting_jobs``."""
        ...


class Places:
    """Reads places when they are wanted. Thread-safe; blocks while the catalog is read."""

    def __init__(self, catalog: WaitingJobs, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._mutex = threading.Lock()
        self._lines: Sequence[WaitingLine] = ()
        self._lines_until = float("-inf")
        self._jobs: dict[UserId, tuple[float, Mapping[UploadId, WaitingJob]]] = {}

    def is_wanted(self, task: Task) -> bool:
        """Return whether a task of this state may wait in the queue. Reads nothing."""
        return task.status in _WAITING

    def placed(self, task: Task) -> Task:
        """Return the task with its place in the queue, if it waits there. Raises: BackendError."""
        if not self.is_wanted(task):
            return task
        with self._mutex:
            now = self._clock.monotonic()
            job = self._jobs_of(task.facts.user_id, now).get(task.facts.task_id)
            if job is None:
                return task
            lines = self._lines_of(job.lane, now)
        user = task.facts.user_id
        others = [line for line in lines if line.user_id != user]
        mine = next((line for line in lines if line.user_id == user), _new_line(job.lane, user))
        return replace(task, queue_position=jobs_before(job, mine, others))

    def _jobs_of(self, user_id: UserId, now: float) -> Mapping[UploadId, WaitingJob]:
        known = self._jobs.get(user_id)
        if known is not None and now < known[0]:
            return known[1]
        found = {job.task_id: job for job in self._catalog.waiting_jobs(user_id, MOST_JOBS)}
        self._jobs = {user: entry for user, entry in self._jobs.items() if now < entry[0]}
        self._jobs[user_id] = (now + JOBS_SECONDS, found)
        return found

    def _lines_of(self, lane: JobLane, now: float) -> list[WaitingLine]:
        if now >= self._lines_until:
            self._lines = self._catalog.waiting_lines()
            took = self._clock.monotonic() - now
            self._lines_until = now + max(LINES_SECONDS, _REST * took)
        return [line for line in self._lines if line.lane is lane]


def _new_line(lane: JobLane, user_id: UserId) -> WaitingLine:
    """A line that began after the lines were read."""
    return WaitingLine(lane=lane, user_id=user_id, priority=0, waiting=0, running=0, served_at=0.0)
