"""Reads what waits, for the users who wait: the port ``WaitingRepository`` in SQL."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, select, true
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.fair_queue import Key
from tusd_py.catalog.ports.jobs import WaitingRepository
from tusd_py.catalog.rows import reversed_priority
from tusd_py.catalog.schema import job_lines, jobs
from tusd_py.clock import Clock
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import JobState
from tusd_py.domain.job_lane import ALL_LANES, JobLane
from tusd_py.domain.waiting import WaitingJob, WaitingLine

_LINES: Final = select(
    job_lines.c.lane, job_lines.c.user_id, job_lines.c.precedence, job_lines.c.served_at
).where(job_lines.c.lane.in_([lane.value for lane in ALL_LANES]), job_lines.c.waiting == true())


class WaitingJobs(WaitingRepository):
    """Counts the jobs that wait, in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def count_waiting(self) -> int:
        statement = select(func.count()).where(jobs.c.state == JobState.QUEUED.value)
        return self._database.read(lambda c: c.execute(statement).scalar_one())

    @override
    def waiting_lines(self) -> Sequence[WaitingLine]:
        return self._database.read(_waiting_lines)

    @override
    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        return self._database.read(
            lambda c: [job for lane in ALL_LANES for job in _waiting_jobs(c, lane, user_id, limit)]
        )


def _waiting_lines(connection: Connection) -> list[WaitingLine]:
    waiting = _counts(connection, JobState.QUEUED)
    running = _counts(connection, JobState.RUNNING)
    return [
        WaitingLine(
            lane=JobLane(lane),
            user_id=UserId(user),
            priority=reversed_priority(precedence),
            waiting=waiting[lane, user],
            running=running.get((lane, user), 0),
            served_at=served_at,
        )
        for lane, user, precedence, served_at in connection.execute(_LINES)
        if (lane, user) in waiting
    ]


def _counts(connection: Connection, state: JobState) -> dict[Key, int]:
    statement = (
        select(jobs.c.lane, jobs.c.user_id, func.count())
        .where(jobs.c.state == state.value)
        .group_by(jobs.c.lane, jobs.c.user_id)
    )
    return {(lane, user): count for lane, user, count in connection.execute(statement)}


def _waiting_jobs(
    connection: Connection, lane: JobLane, user_id: UserId, limit: int
) -> list[WaitingJob]:
    statement = (
        select(jobs.c.task_id)
        .where(
            jobs.c.state == JobState.QUEUED.value,
            jobs.c.lane == lane.value,
            jobs.c.user_id == user_id,
        )
        .order_by(jobs.c.precedence, jobs.c.run_after)
        .limit(limit)
    )
    found = connection.execute(statement).scalars()
    return [
        WaitingJob(task_id=UploadId(task_id), lane=lane, place=place)
        for place, task_id in enumerate(found)
    ]
