"""Implements the port ``JobRepository`` in SQL. Every write of an attempt carries its fence."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.fair_queue import (
    claim_next,
    is_any_due,
    wait_in_line,
)
from tusd_py.catalog.job_rows import (
    REQUEUED,
    change_fenced,
    fail_history,
    failure_columns,
    find_job,
)
from tusd_py.catalog.objects import forget_multipart, hold_object
from tusd_py.catalog.outbox import Outbox
from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.catalog.queue_positions import WaitingJobs
from tusd_py.catalog.reaping import reap
from tusd_py.catalog.reprocessing import ReprocessJobs, replace_file
from tusd_py.catalog.rows import (
    checkpoint_text,
    facts_text,
    job_of,
    rendition_row,
    reversed_priority,
)
from tusd_py.catalog.schema import (
    jobs,
    renditions,
    repository_pool,
    uploads,
)
from tusd_py.catalog.shared import (
    complete_history,
    pool_file,
    set_history,
)
from tusd_py.catalog.values import StoredContent
from tusd_py.clock import Clock
from tusd_py.domain.errors import TransientError
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import FIRST_PRIORITY, Checkpoint, Job, JobState
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import TaskStatus
from tusd_py.domain.upload import UploadState


class SqlJobs(Outbox, ReprocessJobs, WaitingJobs, JobRepository):
    """Keeps jobs in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def get(self, task_id: UploadId) -> Job | None:
        return self._database.read(lambda c: find_job(c, task_id))

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
            found = [find_job(connection, job.task_id, locked=True) for job in tried]
            return tried[0] if tried and found == tried else None

        return self._database.write(work, settled=mine)

    @override
    def renew(self, task_id: UploadId, *, fence: int, lease_seconds: float) -> None:
        self._fenced(task_id, fence, lease_until=self._clock.now() + lease_seconds)

    @override
    def still_held(self, fences: Mapping[UploadId, int]) -> Collection[UploadId]:
        statement = select(jobs.c.task_id, jobs.c.fence).where(
            jobs.c.task_id.in_(list(fences)), jobs.c.state == JobState.RUNNING.value
        )
        found = self._database.read(lambda c: c.execute(statement).all())
        return {UploadId(task_id) for task_id, fence in found if fences[task_id] == fence}

    @override
    def save_checkpoint(self, task_id: UploadId, *, fence: int, checkpoint: Checkpoint) -> None:
        self._fenced(task_id, fence, checkpoint=checkpoint_text(checkpoint))

    def _fenced(self, task_id: UploadId, fence: int, **values: Any) -> None:  # noqa: ANN401
        self._database.write(lambda c: change_fenced(c, task_id, fence, **values))

    @override
    def complete(self, task_id: UploadId, *, fence: int, stored: StoredContent | None) -> File:
        now = self._clock.now()

        def completed(connection: Connection) -> File | None:
            job = find_job(connection, task_id, locked=True)
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
            change_fenced(
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
            change_fenced(connection, task_id, fence, **REQUEUED, **moved)
            wait_in_line(connection, task_id, now)

        self._database.write(work)

    @override
    def fail(self, task_id: UploadId, *, fence: int, error_code: str, error_msg: str) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            job = find_job(connection, task_id)
            again = job is not None and job.checkpoint.again
            values = failure_columns(error_code, error_msg, now, again=again)
            change_fenced(connection, task_id, fence, **values)
            if again:
                forget_multipart(connection, task_id)
            else:
                fail_history(connection, task_id, error_msg, now)

        self._database.write(work)

    @override
    def put_first(self, task_id: UploadId) -> bool:
        now = self._clock.now()
        statement = (
            update(jobs)
            .where(jobs.c.task_id == task_id, jobs.c.state == JobState.QUEUED.value)
            .values(precedence=reversed_priority(FIRST_PRIORITY))
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
        return self._database.write(lambda c: reap(c, max_crashes, now))

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


def _complete(
    connection: Connection,
    task_id: UploadId,
    fence: int,
    stored: StoredContent | None,
    now: float,
) -> File:
    change_fenced(
        connection, task_id, fence, state=JobState.DONE.value, ended_at=now, error_code=""
    )
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


def _reopen(connection: Connection, task_id: UploadId, now: float) -> Job | None:
    found = select(uploads).where(uploads.c.id == task_id).with_for_update()
    upload = connection.execute(found).mappings().first()
    alive = upload is not None and upload["state"] == UploadState.FINISHED.value
    if not alive or upload is None or upload["source_removed"]:
        return None
    job = find_job(connection, task_id, locked=True)
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
    return find_job(connection, task_id)
