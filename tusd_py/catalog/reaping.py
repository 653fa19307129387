"""Takes jobs back from dead workers, and fails those that stop every worker."""

import logging
from typing import Any, Final

from sqlalchemy import Connection, select

from tusd_py.catalog.fair_queue import restore_lines, wait_in_line
from tusd_py.catalog.job_rows import (
    REQUEUED,
    change_fenced,
    fail_history,
    failure_columns,
    find_job,
)
from tusd_py.catalog.objects import forget_multipart
from tusd_py.catalog.rows import checkpoint_text, job_of
from tusd_py.catalog.schema import jobs
from tusd_py.domain.job import Checkpoint, Job, JobState, Step

log = logging.getLogger(__name__)

POISON: Final = "poison"
POISON_SENTENCE: Final = "Storing this file stopped the worker several times."


def reap(connection: Connection, max_crashes: int, now: float) -> list[Job]:
    """Return the jobs that failed as poison; see ``JobRepository.reap``."""
    if lost := restore_lines(connection):
        log.warning("catalog.lines.restored", extra={"lines": lost})
    dead = (
        select(jobs)
        .where(jobs.c.state == JobState.RUNNING.value, jobs.c.lease_until < now)
        # Several processes that reap share the rows.
        .with_for_update(skip_locked=True)
    )
    poisoned = []
    for row in connection.execute(dead).mappings().all():
        job = job_of(row)
        crashes = job.crash_count + 1
        poison = _is_poison(job.checkpoint, crashes, max_crashes)
        values: dict[str, Any] = {**REQUEUED}
        again = job.checkpoint.again
        if poison:
            values = failure_columns(POISON, POISON_SENTENCE, now, again=again)
        elif _stores_as_it_is(job.checkpoint, crashes, max_crashes):
            values["checkpoint"] = checkpoint_text(Checkpoint(as_it_is=True))
        # No write of the silent worker counts from here on: the job does not run, and its next
        # claim has a higher fence.
        change_fenced(connection, job.task_id, job.fence, crash_count=crashes, **values)
        if not poison:
            wait_in_line(connection, job.task_id, now)
            continue
        if again:
            forget_multipart(connection, job.task_id)
        else:
            fail_history(connection, job.task_id, POISON_SENTENCE, now)
        poisoned.append(find_job(connection, job.task_id) or job)
    return poisoned


def _stores_as_it_is(checkpoint: Checkpoint, crashes: int, max_crashes: int) -> bool:
    """Return whether the next attempt makes nothing of the file, since making it stops workers."""
    return checkpoint.step is not Step.STORE and crashes >= max(1, max_crashes - 1)


def _is_poison(checkpoint: Checkpoint, crashes: int, max_crashes: int) -> bool:
    """Return whether a file stops its worker although nothing is made of it, or after all was made.

    That a worker died between reading the file and storing it is no evidence about storing. A file
    that is processed again is stored already.
    """
    if checkpoint.again:
        return crashes >= max(1, max_crashes - 1)
    if checkpoint.step is Step.STORE or (
        checkpoint.as_it_is and checkpoint.step is not Step.TRANSCODE
    ):
        return crashes >= max_crashes
    return crashes >= 2 * max_crashes
