"""Implements the port ``JobRepository`` in SQL. Every write of an attempt carries its fence."""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.fair_queue import (
    claim_next,
    is_any_due,
    restore_lines,
    wait_in_line,
)
from tusd_py.catalog.hooks import add_event
from tusd_py.catalog.objects import forget_multipart, hold_object
from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.catalog.queue_positions import WaitingJobs
from tusd_py.catalog.reprocessing import ReprocessJobs, replace_file
from tusd_py.catalog.rows import (
    checkpoint_of,
    checkpoint_text,
    date_time,
    facts_text,
    history_of,
    job_of,
    message_of,
    rendition_row,
)
from tusd_py.catalog.schema import (
    file_upload_history,
    jobs,
    outbox,
    renditions,
    repository_pool,
    uploads,
)
from tusd_py.catalog.shared import (
    JOB,
    OUTCOME,
    add_outcome,
    complete_history,
    pool_file,
    set_history,
)
from tusd_py.catalog.values import Outcome, StoredContent
from tusd_py.clock import Clock
from tusd_py.domain.errors import LeaseLost, TransientError
from tusd_py.domain.file import File
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import FIRST_PRIORITY, Checkpoint, Job, JobMessage, JobState, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import TaskStatus
from tusd_py.domain.upload import UploadState

log = logging.getLogger(__name__)

SENT_ROWS_SECONDS = 24 * 3600.0
POISON = "poison"
POISON_SENTENCE = "Storing this file stopped the worker several times."

_REQUEUED: Final = {
    "state": JobState.QUEUED.value,
    "owner": "",
    "run_after": jobs.c.created_at,
}
"""Columns of a job that goes back to its place in the line, since its worker gave it up.

The job is not the cause, so it waits where it would if it had not begun.
"""

# Compiled once: see ``fast_statement``.
_PENDING: Final = (
    select(outbox.c.id.label("row_id"), jobs)
    .join(jobs, jobs.c.task_id == outbox.c.task_id)
    .where(outbox.c.kind == JOB, outbox.c.sent_at.is_(None), outbox.c.due_at <= bindparam("now"))
    .order_by(outbox.c.id)
    .limit(bindparam("limit"))
)
_MARK_SENT: Final = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("row_ids", expanding=True)))
    .values(sent_at=bindparam("now"))
)
_DROP_SENT: Final = delete(outbox).where(outbox.c.sent_at < bindparam("before"))


class SqlJobs(ReprocessJobs, WaitingJobs, JobRepository):
    """Keeps jobs in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def get(self, task_id: UploadId) -> Job | None:
        return self._database.read(lambda c: _job(c, task_id))

    @override
    def claim_next(
        self, lanes: Sequence[JobLane], *, owner: str, lease_seconds: float, per_user: int
    ) -> Job | None:
        now = self._clock.now()
        until = now + lease_seconds
        if not self._database.read(lambda c: is_any_due(c, lanes, now, per_user)):
            return None
        tried: list[Job] = []

        def work(connection: Connection) -> Job | None:
            job = claim_next(
                connection, lanes, owner=owner, now=now, until=until, per_user=per_user
            )
            tried[:] = [] if job is None else [job]
            return job

        def mine(connection: Connection) -> Job | None:
            found = [_job(connection, job.task_id, locked=True) for job in tried]
            return tried[0] if tried and found == tried else None

        return self._database.write(work, settled=mine)

    @override
    def renew(self, task_id: UploadId, *, fence: int, lease_seconds: float) -> None:
        self._fenced(task_id, fence, lease_until=self._clock.now() + lease_seconds)

    @override
    def is_held(self, fences: Mapping[UploadId, int]) -> Collection[UploadId]:
        statement = select(jobs.c.task_id, jobs.c.fence).where(
            jobs.c.task_id.in_(list(fences)), jobs.c.state == JobState.RUNNING.value
        )
        found = self._database.read(lambda c: c.execute(statement).all())
        return {UploadId(task_id) for task_id, fence in found if fences[task_id] == fence}

    @override
    def save_checkpoint(self, task_id: UploadId, *, fence: int, checkpoint: Checkpoint) -> None:
        self._fenced(task_id, fence, checkpoint=checkpoint_text(checkpoint))

    def _fenced(self, task_id: UploadId, fence: int, **values: Any) -> None:  # noqa: ANN401
        self._database.write(lambda c: _fenced(c, task_id, fence, **values))

    @override
    def complete(self, task_id: UploadId, *, fence: int, stored: StoredContent | None) -> File:
        now = self._clock.now()

        def completed(connection: Connection) -> File | None:
            job = _job(connection, task_id, locked=True)
            if job is None or job.state is not JobState.DONE or job.fence != fence:
                return None
            return pool_file(connection, job.scope, job.file_hash)

        return self._database.write(
            lambda c: _complete(c, task_id, fence, stored, now), settled=completed
        )

    @override
    def retry(
        self,
        task_id: UploadId,
        *,
        fence: int,
        after_seconds: float,
        error_code: str,
        error_msg: str,
        counted: bool,
    ) -> None:
        due_at = self._clock.now() + after_seconds

        def work(connection: Connection) -> None:
            _fenced(
                connection,
                task_id,
                fence,
                state=JobState.QUEUED.value,
                owner="",
                attempts=jobs.c.attempts + (1 if counted else 0),
                run_after=due_at,
                error_code=error_code,
                error_msg=error_msg,
            )
            wait_in_line(connection, task_id, due_at)

        self._database.write(work)

    @override
    def release(self, task_id: UploadId, *, fence: int, lane: JobLane | None = None) -> None:
        now = self._clock.now()
        moved = {} if lane is None else {"lane": lane.value}

        def work(connection: Connection) -> None:
            _fenced(connection, task_id, fence, **_REQUEUED, **moved)
            wait_in_line(connection, task_id, now)

        self._database.write(work)

    @override
    def fail(self, task_id: UploadId, *, fence: int, error_code: str, error_msg: str) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            job = _job(connection, task_id)
            again = job is not None and job.checkpoint.again
            values = _failure(error_code, error_msg, now, again=again)
            _fenced(connection, task_id, fence, **values)
            if again:
                forget_multipart(connection, task_id)
            else:
                _fail_history(connection, task_id, error_msg, now)

        self._database.write(work)

    @override
    def put_first(self, task_id: UploadId) -> bool:
        now = self._clock.now()
        statement = (
            update(jobs)
            .where(jobs.c.task_id == task_id, jobs.c.state == JobState.QUEUED.value)
            .values(precedence=-FIRST_PRIORITY)
        )

        def work(connection: Connection) -> bool:
            if connection.execute(statement).rowcount != 1:
                return False
            wait_in_line(connection, task_id, now)
            return True

        return self._database.write(work)

    @override
    def running(self) -> Sequence[Job]:
        statement = select(jobs).where(jobs.c.state == JobState.RUNNING.value)
        return self._database.read(
            lambda c: [job_of(row) for row in c.execute(statement).mappings()]
        )

    @override
    def reap(self, *, max_crashes: int) -> Sequence[Job]:
        now = self._clock.now()
        return self._database.write(lambda c: _reap(c, max_crashes, now))

    @override
    def dead_letters(self, limit: int | None = None) -> Sequence[Job]:
        statement = (
            select(jobs)
            .where(jobs.c.state == JobState.FAILED.value)
            .order_by(jobs.c.ended_at.desc(), jobs.c.task_id)
            .limit(limit)
        )
        return self._database.read(
            lambda c: [job_of(row) for row in c.execute(statement).mappings()]
        )

    @override
    def reopen(self, task_id: UploadId) -> Job | None:
        now = self._clock.now()
        return self._database.write(lambda c: _reopen(c, task_id, now))

    @override
    def drop_failed(self, task_id: UploadId) -> bool:
        statement = (
            update(jobs)
            .where(jobs.c.task_id == task_id, jobs.c.state == JobState.FAILED.value)
            .values(state=JobState.CANCELLED.value)
        )

        def work(connection: Connection) -> bool:
            if connection.execute(statement).rowcount != 1:
                return False
            forget_multipart(connection, task_id)
            return True

        return self._database.write(work)

    @override
    def pending_jobs(self, limit: int) -> Sequence[tuple[int, JobMessage]]:
        values = {"now": self._clock.now(), "limit": limit}
        return self._database.read(
            lambda c: [
                (row["row_id"], message_of(row)) for row in c.execute(_PENDING, values).mappings()
            ]
        )

    @override
    def pending_outcomes(self, limit: int) -> Sequence[tuple[int, Outcome]]:
        table = file_upload_history
        statement = (
            select(
                outbox.c.id.label("row_id"),
                jobs.c.fence,
                jobs.c.error_code,
                jobs.c.checkpoint,
                table,
            )
            .join(table, table.c.task_id == outbox.c.task_id)
            .outerjoin(jobs, jobs.c.task_id == outbox.c.task_id)
            .where(outbox.c.kind == OUTCOME, outbox.c.sent_at.is_(None))
            .order_by(outbox.c.id)
            .limit(limit)
        )
        return self._database.read(
            lambda c: [
                (
                    row["row_id"],
                    Outcome(
                        history=history_of(row),
                        fence=row["fence"] or 0,
                        error_code=row["error_code"] or "",
                        notes=checkpoint_of(row["checkpoint"]).notes if row["checkpoint"] else (),
                    ),
                )
                for row in c.execute(statement).mappings()
            ]
        )

    @override
    def mark_sent(self, row_ids: Sequence[int]) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            connection.execute(_MARK_SENT, {"row_ids": list(row_ids), "now": now})
            connection.execute(_DROP_SENT, {"before": now - SENT_ROWS_SECONDS})

        self._database.write(work)


def _job(connection: Connection, task_id: UploadId, *, locked: bool = False) -> Job | None:
    statement = select(jobs).where(jobs.c.task_id == task_id)
    if locked:
        statement = statement.with_for_update()
    row = connection.execute(statement).mappings().first()
    return None if row is None else job_of(row)


def _fenced(connection: Connection, task_id: UploadId, held: int, /, **values: Any) -> None:  # noqa: ANN401
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


def _complete(
    connection: Connection,
    task_id: UploadId,
    fence: int,
    stored: StoredContent | None,
    now: float,
) -> File:
    _fenced(connection, task_id, fence, state=JobState.DONE.value, ended_at=now, error_code="")
    row = connection.execute(select(jobs).where(jobs.c.task_id == task_id)).mappings().one()
    job = job_of(row)
    if job.checkpoint.again and stored is not None:
        forget_multipart(connection, task_id)
        return replace_file(connection, job, stored, now)
    file = pool_file(connection, job.scope, job.file_hash, locked=True)
    if file is None:
        if stored is None:
            raise TransientError("the pool has lost the file")
        for key in (stored.object_key, *(one.object_key for one in stored.renditions)):
            if not hold_object(connection, key, now):
                raise TransientError("The object was collected before it was recorded.")
        _add_file(connection, job, stored, now)
        file = pool_file(connection, job.scope, job.file_hash, locked=True)
    if file is None:
        raise TransientError("the pool did not take the file")
    connection.execute(
        update(uploads)
        .where(uploads.c.id == task_id)
        .values(file_identity=file.identity, extra_size=file.extra_size)
    )
    forget_multipart(connection, task_id)
    duration = int(now - (row["claimed_at"] or now))
    complete_history(connection, task_id, file, duration=max(duration, 0), now=now)
    return file


def _add_file(connection: Connection, job: Job, stored: StoredContent, now: float) -> None:
    """Insert the file, unless equal content was stored first: then that row stands (fault 48)."""
    of_upload = select(uploads.c.tenant).where(uploads.c.id == job.task_id)
    identity = str(uuid4())
    statement = insert(repository_pool).values(
        identity=identity,
        tenant=of_upload.scalar_subquery(),
        scope=job.scope,
        hash=job.file_hash,
        name=job.filename,
        ext=stored.ext,
        size=job.file_size,
        path=stored.path,
        object_key=stored.object_key,
        stored_hash=stored.stored_hash,
        stored_size=stored.stored_size,
        content_type=stored.content_type,
        created_at=now,
        facts=facts_text(stored.facts),
        extra_size=stored.extra_size(job.file_size),
    )
    rows = [rendition_row(rendition, identity) for rendition in stored.renditions]
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(statement)
        if rows:
            connection.execute(insert(renditions), rows)


def _failure(error_code: str, error_msg: str, now: float, *, again: bool = False) -> dict[str, Any]:
    """Return the columns of a job that failed; one that processed a file ``again`` is done."""
    return {
        "state": (JobState.DONE if again else JobState.FAILED).value,
        "error_code": error_code,
        "error_msg": error_msg,
        "ended_at": now,
    }


def _fail_history(connection: Connection, task_id: UploadId, error_msg: str, now: float) -> None:
    set_history(
        connection,
        task_id,
        status=TaskStatus.FAILED.value,
        error_msg=error_msg,
        completed_at=date_time(now),
    )
    add_outcome(connection, task_id, now=now)
    add_event(connection, task_id, HookEvent.POST_FAIL, now)


def _reap(connection: Connection, max_crashes: int, now: float) -> list[Job]:
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
        values: dict[str, Any] = {**_REQUEUED}
        again = job.checkpoint.again
        if poison:
            values = _failure(POISON, POISON_SENTENCE, now, again=again)
        elif _stores_as_it_is(job.checkpoint, crashes, max_crashes):
            values["checkpoint"] = checkpoint_text(Checkpoint(as_it_is=True))
        # No write of the silent worker counts from here on: the job does not run, and its next
        # claim has a higher fence.
        _fenced(connection, job.task_id, job.fence, crash_count=crashes, **values)
        if not poison:
            wait_in_line(connection, job.task_id, now)
            continue
        if again:
            forget_multipart(connection, job.task_id)
        else:
            _fail_history(connection, job.task_id, POISON_SENTENCE, now)
        poisoned.append(_job(connection, job.task_id) or job)
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


def _reopen(connection: Connection, task_id: UploadId, now: float) -> Job | None:
    found = select(uploads).where(uploads.c.id == task_id).with_for_update()
    upload = connection.execute(found).mappings().first()
    alive = upload is not None and upload["state"] == UploadState.FINISHED.value
    if not alive or upload is None or upload["source_removed"]:
        return None
    job = _job(connection, task_id, locked=True)
    begun_again = job is not None and job.checkpoint.as_it_is
    reopened = connection.execute(
        update(jobs)
        .where(jobs.c.task_id == task_id, jobs.c.state == JobState.FAILED.value)
        .values(
            state=JobState.QUEUED.value,
            owner="",
            attempts=0,
            crash_count=0,
            run_after=now,
            error_code="",
            error_msg="",
            ended_at=None,
            **({"checkpoint": checkpoint_text(Checkpoint())} if begun_again else {}),
        )
    ).rowcount
    if reopened != 1:
        return None
    set_history(
        connection, task_id, status=TaskStatus.RECEIVED.value, error_msg="", completed_at=None
    )
    wait_in_line(connection, task_id, now)
    return _job(connection, task_id)
