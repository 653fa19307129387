"""Adds places in the queue to tasks.

The number of subscribers does not add reads of the catalog.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job_lane import ALL_LANES, JobLane
from tusd_py.domain.task import Task, TaskStatus
from tusd_py.domain.waiting import WaitingJob, WaitingLine, jobs_before
from tusd_py.tasks.single_flight import SingleFlight
from tusd_py.threads import Threads

log = logging.getLogger(__name__)

LINES_SECONDS: Final = 5.0
"""Least seconds between two reads of all lines; reads take at most a twentieth of the time."""
JOBS_SECONDS: Final = 2.0
"""Least seconds between two reads of a user's waiting jobs."""
MOST_JOBS: Final = 1000
"""Largest number of jobs of a user and lane that get a place; later jobs get none."""
MAX_PAUSE_SECONDS: Final = 60.0
_REST: Final = 20
_WAITING: Final = (TaskStatus.RECEIVED, TaskStatus.PROCESSING)


class WaitingJobs(Protocol):
    """Is the part of the catalog that this module reads."""

    def waiting_lines(self) -> Sequence[WaitingLine]:
        """See ``WaitingRepository.waiting_lines``."""
        ...

    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        """See ``WaitingRepository.waiting_jobs``."""
        ...


class QueuePositions:
    """Reads places on demand. It runs on one event loop, and reads the catalog in a thread."""

    def __init__(self, catalog: WaitingJobs, threads: Threads) -> None:
        self._catalog = catalog
        self._threads = threads
        self._lines = SingleFlight[Mapping[JobLane, Sequence[WaitingLine]]](
            kept_seconds=MAX_PAUSE_SECONDS
        )
        self._lines_rest = LINES_SECONDS
        self._jobs = SingleFlight[Mapping[UploadId, WaitingJob]]()

    async def with_position(self, task: Task) -> Task:
        """Return the task with its place in the queue, if it waits and the catalog can be read."""
        if task.status not in _WAITING:
            return task
        user, now = task.facts.user_id, asyncio.get_running_loop().time()
        try:
            jobs = await self._jobs.get(
                user, lambda: self._read_jobs(user), begun_after=now - JOBS_SECONDS
            )
            job = jobs.get(task.facts.task_id)
            if job is None:
                return task
            lines = await self._lines.get(
                None, self._read_lines, begun_after=now - self._lines_rest
            )
        except BackendError as error:
            log.warning("task.place.unavailable", extra={"reason": error.reason})
            return task
        of_lane = lines.get(job.lane, ())
        others = [line for line in of_lane if line.user_id != user]
        mine = next((line for line in of_lane if line.user_id == user), _new_line(job.lane, user))
        return replace(task, queue_position=jobs_before(job, mine, others))

    async def _read_jobs(self, user_id: UserId) -> Mapping[UploadId, WaitingJob]:
        found = await self._threads.call(self._catalog.waiting_jobs, user_id, MOST_JOBS)
        return {job.task_id: job for job in found}

    async def _read_lines(self) -> Mapping[JobLane, Sequence[WaitingLine]]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        found = await self._threads.call(self._catalog.waiting_lines)
        took = loop.time() - begun
        self._lines_rest = min(max(LINES_SECONDS, _REST * took), MAX_PAUSE_SECONDS)
        return {lane: [line for line in found if line.lane is lane] for lane in ALL_LANES}


def _new_line(lane: JobLane, user_id: UserId) -> WaitingLine:
    """Return an empty line, for a line that began after the lines were read."""
    return WaitingLine(lane=lane, user_id=user_id, priority=0, waiting=0, running=0, served_at=0.0)
