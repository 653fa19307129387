"""Rows of jobs: finds one, changes one under its fence, and states its failure."""

from typing import Any, Final

from sqlalchemy import Connection, select, update

from tusd_py.catalog.hooks import add_event
from tusd_py.catalog.outbox import add_outcome
from tusd_py.catalog.rows import date_time, job_of
from tusd_py.catalog.schema import jobs
from tusd_py.catalog.shared import set_history
from tusd_py.domain.errors import LeaseLost
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Job, JobState
from tusd_py.domain.task import TaskStatus

REQUEUED: Final = {
    "state": JobState.QUEUED.value,
    "owner": "",
    "run_after": jobs.c.created_at,
}
"""Columns of a job that goes back to its place in the line, since its worker gave it up.

The job is not the cause, so it waits where it would if it had not begun.
"""


def find_job(connection: Connection, task_id: UploadId, *, locked: bool = False) -> Job | None:
    """Return the job; with ``locked`` its row is locked until the transaction ends."""
    statement = select(jobs).where(jobs.c.task_id == task_id)
    if locked:
        statement = statement.with_for_update()
    row = connection.execute(statement).mappings().first()
    return None if row is None else job_of(row)


def change_fenced(connection: Connection, task_id: UploadId, held: int, /, **values: Any) -> None:  # noqa: ANN401
    """Change the job if this attempt still holds it. Raises: LeaseLost."""
    changed = connection.execute(
        update(jobs)
        .where(
            jobs.c.task_id == task_id,
            jobs.c.fence == held,
            jobs.c.state == JobState.RUNNING.value,
        )
        .values(**values)
    ).rowcount
    if changed != 1:
        raise LeaseLost


def failure_columns(
    error_code: str, error_msg: str, now: float, *, again: bool = False
) -> dict[str, Any]:
    """Return the columns of a job that failed; one that processed a file ``again`` is done."""
    return {
        "state": (JobState.DONE if again else JobState.FAILED).value,
        "error_code": error_code,
        "error_msg": error_msg,
        "ended_at": now,
    }


def fail_history(connection: Connection, task_id: UploadId, error_msg: str, now: float) -> None:
    """Set the task's record to failed, with the outbox row and the event of its end."""
    set_history(
        connection,
        task_id,
        status=TaskStatus.FAILED.value,
        error_msg=error_msg,
        completed_at=date_time(now),
    )
    add_outcome(connection, task_id, now=now)
    add_event(connection, task_id, HookEvent.POST_FAIL, now)
