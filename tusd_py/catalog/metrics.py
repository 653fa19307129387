"""Counts the work in SQL (requirement S23).

Rule: every statement walks an index over what is open or what ended lately. Nothing counts all that
was ever done, since every process repeats these statements every few seconds.
"""

from typing import Final

from sqlalchemy import Connection, func, select

from tusd_py.catalog.outbox import JOB, OUTCOME
from tusd_py.catalog.rows import date_time
from tusd_py.catalog.schema import file_upload_history, hook_events, jobs, outbox, uploads
from tusd_py.catalog.values import DAY, HOUR, Backlog, CatalogMetrics, EndedCounts
from tusd_py.domain.job import JobState
from tusd_py.domain.task import TaskStatus
from tusd_py.domain.upload import UploadState

MEAN_TASKS: Final = 1000
"""Largest number of tasks whose mean is taken: each costs two look-ups."""
HOOK: Final = "hook"
_OPEN: Final = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)


def count_work(connection: Connection, now: float) -> CatalogMetrics:
    """Count the work; see ``OperationRepository.metrics``."""
    counts = _job_counts(connection)
    open_uploads = select(func.count()).where(uploads.c.state == UploadState.RECEIVING.value)
    return CatalogMetrics(
        queued=counts.get(JobState.QUEUED, 0),
        running=counts.get(JobState.RUNNING, 0),
        dead_letters=counts.get(JobState.FAILED, 0),
        due=_due(connection, now),
        outbox=_outbox(connection, now),
        ended={span: _ended(connection, now - span) for span in (HOUR, DAY)},
        processing_seconds=_processing_seconds(connection, now - HOUR),
        open_uploads=connection.execute(open_uploads).scalar_one(),
    )


def _job_counts(connection: Connection) -> dict[JobState, int]:
    statement = (
        select(jobs.c.state, func.count())
        .where(jobs.c.state.in_([state.value for state in _OPEN]))
        .group_by(jobs.c.state)
    )
    return {JobState(state): count for state, count in connection.execute(statement)}


def _due(connection: Connection, now: float) -> Backlog:
    statement = select(func.count(), func.min(jobs.c.run_after)).where(
        jobs.c.state == JobState.QUEUED.value, jobs.c.run_after <= now
    )
    count, oldest = connection.execute(statement).one()
    return _backlog(count, oldest, now)


def _outbox(connection: Connection, now: float) -> dict[str, Backlog]:
    statement = (
        select(outbox.c.kind, func.count(), func.min(outbox.c.due_at))
        .where(outbox.c.sent_at.is_(None), outbox.c.due_at <= now)
        .group_by(outbox.c.kind)
    )
    none = {kind: Backlog(rows=0, oldest_seconds=0.0) for kind in (JOB, OUTCOME)}
    found = connection.execute(statement)
    waiting = {kind: _backlog(count, oldest, now) for kind, count, oldest in found}
    due = hook_events.c.due_at
    hooks = select(func.count(), func.min(due)).where(due <= now)
    pending, oldest = connection.execute(hooks).one()
    return none | waiting | {HOOK: _backlog(pending, oldest, now)}


def _backlog(count: int, oldest: float | None, now: float) -> Backlog:
    return Backlog(rows=count, oldest_seconds=0.0 if oldest is None else now - oldest)


def _ended(connection: Connection, since: float) -> EndedCounts:
    table = file_upload_history
    statement = (
        select(table.c.status, func.count())
        .where(table.c.completed_at >= date_time(since))
        .group_by(table.c.status)
    )
    counts = {row[0]: row[1] for row in connection.execute(statement)}
    return EndedCounts(
        completed=counts.get(TaskStatus.COMPLETED.value, 0),
        failed=counts.get(TaskStatus.FAILED.value, 0),
    )


def _processing_seconds(connection: Connection, since: float) -> float | None:
    """Return the mean of tasks that had a job; content that the pool held took no time at all."""
    table = file_upload_history
    latest = (
        select(table.c.task_id, table.c.duration)
        .where(
            table.c.completed_at >= date_time(since),
            table.c.status == TaskStatus.COMPLETED.value,
        )
        .order_by(table.c.completed_at.desc())
        .limit(MEAN_TASKS)
        .subquery("latest")
    )
    statement = select(func.avg(latest.c.duration)).join(jobs, jobs.c.task_id == latest.c.task_id)
    mean = connection.execute(statement).scalar_one()
    return None if mean is None else float(mean)
