"""Processes files of the pool again: by a job like any other, which replaces what was made before.

Users see no change until the job's last transaction; a job that fails changes nothing at all.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.fair_queue import wait_in_line
from tusd_py.catalog.hooks import add_event
from tusd_py.catalog.objects import forget_multipart, hold_object
from tusd_py.catalog.outbox import add_outcome
from tusd_py.catalog.ports.jobs import ReprocessRepository
from tusd_py.catalog.rows import (
    NAME_CHARACTERS,
    checkpoint_text,
    facts_text,
    file_of,
    job_of,
    rendition_row,
    reversed_priority,
)
from tusd_py.catalog.schema import (
    file_upload_history,
    jobs,
    renditions,
    repository_pool,
    uploads,
)
from tusd_py.catalog.shared import pool_file
from tusd_py.catalog.upload_rows import upload_of
from tusd_py.catalog.values import StoredContent
from tusd_py.clock import Clock
from tusd_py.domain.errors import (
    AlreadyProcessing,
    OriginalMissing,
    TransientError,
    UploadNotFound,
    UploadUnfinished,
)
from tusd_py.domain.file import File
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Checkpoint, Job, JobState
from tusd_py.domain.job_lane import lane_of
from tusd_py.domain.rendition import ORIGINAL
from tusd_py.domain.upload import Upload, UploadState

_ACTIVE: Final = (JobState.QUEUED.value, JobState.RUNNING.value)


class ReprocessJobs(ReprocessRepository):
    """Queues files of the pool that are processed again, in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def add_reprocess_job(self, task_id: UploadId, *, priority: int | None = None) -> Job:
        now = self._clock.now()
        return self._database.write(lambda c: _add_reprocess_job(c, task_id, priority, now))

    @override
    def check_reprocessable(self, task_id: UploadId) -> None:
        select_upload = select(uploads).where(uploads.c.id == task_id)
        self._database.read(lambda c: _repeatable(c, select_upload))

    @override
    def stored_uploads(
        self, *, kind: str, before: float, note: str, after: UploadId | None, limit: int
    ) -> Sequence[UploadId]:
        pool = repository_pool
        first = func.min(uploads.c.id).label("id")
        statement = (
            select(first)
            .join(pool, pool.c.identity == uploads.c.file_identity)
            .where(
                uploads.c.state == UploadState.FINISHED.value,
                pool.c.created_at < before,
                pool.c.content_type.startswith(f"{kind}/" if kind else "", autoescape=True),
            )
            .group_by(uploads.c.file_identity)
            .order_by(first)
            .limit(limit)
        )
        if note:
            of_note = jobs.c.checkpoint.contains(f'"{note}"', autoescape=True)
            statement = statement.join(jobs, jobs.c.task_id == uploads.c.id).where(of_note)
        if after is not None:
            statement = statement.having(first > after)
        return self._database.read(
            lambda c: [UploadId(found) for found in c.execute(statement).scalars()]
        )


def _add_reprocess_job(
    connection: Connection, task_id: UploadId, priority: int | None, now: float
) -> Job:
    locked = select(uploads).where(uploads.c.id == task_id).with_for_update()
    upload, file, has_job = _repeatable(connection, locked)
    begun: dict[str, Any] = {
        "state": JobState.QUEUED.value,
        "owner": "",
        "attempts": 0,
        "crash_count": 0,
        "run_after": now,
        "checkpoint": checkpoint_text(Checkpoint(again=True)),
        "error_code": "",
        "error_msg": "",
        "claimed_at": None,
        "ended_at": None,
        # Its place in the line is that of a new job.
        "precedence": reversed_priority(upload.priority if priority is None else priority),
        "created_at": now,
    }
    if has_job:
        connection.execute(update(jobs).where(jobs.c.task_id == task_id).values(**begun))
    else:
        begun |= _new_job(upload, file)
        connection.execute(insert(jobs).values(task_id=task_id, **begun))
    forget_multipart(connection, task_id)
    wait_in_line(connection, task_id, now)
    job = connection.execute(select(jobs).where(jobs.c.task_id == task_id)).mappings().one()
    return job_of(job)


def _repeatable(connection: Connection, select_upload: Select[Any]) -> tuple[Upload, File, bool]:
    """Return an upload whose file can be processed again, the file, and whether it has a job.

    Raises: see ``ReprocessRepository.add_reprocess_job``.
    """
    row = connection.execute(select_upload).mappings().first()
    upload = None if row is None else upload_of(row)
    if upload is None or upload.state not in (UploadState.FINISHED, UploadState.RECEIVING):
        raise UploadNotFound
    state = connection.execute(select(jobs.c.state).where(jobs.c.task_id == upload.id)).scalar()
    if state in _ACTIVE:
        raise AlreadyProcessing
    file = _file_of(connection, upload)
    if file is None:
        raise UploadUnfinished
    if file.main_name != ORIGINAL and not _has_original(connection, file):
        raise OriginalMissing
    return upload, file, state is not None


def _file_of(connection: Connection, upload: Upload) -> File | None:
    identity = upload.file_identity
    statement = select(repository_pool).where(repository_pool.c.identity == identity)
    row = connection.execute(statement).mappings().first() if identity else None
    return None if row is None else file_of(row)


def _has_original(connection: Connection, file: File) -> bool:
    statement = select(renditions.c.id).where(
        renditions.c.identity == file.identity, renditions.c.name == ORIGINAL
    )
    return connection.execute(statement).first() is not None


def _new_job(upload: Upload, file: File) -> dict[str, Any]:
    """Return the columns of a job for an upload without one, since the pool held its content."""
    family = file.content_type.partition("/")[0]
    return {
        "user_id": upload.user_id,
        "scope": file.scope,
        "filename": upload.filename[:NAME_CHARACTERS],
        "filetype": upload.filetype[:NAME_CHARACTERS],
        "file_hash": file.hash,
        "file_size": file.size,
        "temp_path": "",
        "is_video": family == "video",
        "lane": lane_of(family, file.size).value,
        "fence": 0,
        "lease_until": 0.0,
    }


def replace_file(connection: Connection, job: Job, stored: StoredContent, now: float) -> File:
    """Let the pool's entry refer to what the job has stored instead of what was made before.

    This holds for every task that refers to the entry. The janitor removes objects that no row
    refers to.

    Raises: TransientError: an object was condemned meanwhile, or the pool holds the file no longer.
    """
    file = pool_file(connection, job.scope, job.file_hash, locked=True)
    if file is None:
        raise TransientError("The pool holds the file no longer.")
    for key in (stored.object_key, *(one.object_key for one in stored.renditions)):
        if not hold_object(connection, key, now):
            raise TransientError("The object was collected before it was recorded.")
    extra = stored.extra_size(file.size)
    connection.execute(
        update(repository_pool)
        .where(repository_pool.c.identity == file.identity)
        .values(
            ext=stored.ext,
            path=stored.path,
            object_key=stored.object_key,
            stored_hash=stored.stored_hash,
            stored_size=stored.stored_size,
            content_type=stored.content_type,
            facts=facts_text(stored.facts),
            extra_size=extra,
        )
    )
    connection.execute(delete(renditions).where(renditions.c.identity == file.identity))
    rows = [rendition_row(rendition, file.identity) for rendition in stored.renditions]
    if rows:
        connection.execute(insert(renditions), rows)
    refers = uploads.c.file_identity == file.identity
    connection.execute(update(uploads).where(refers).values(extra_size=extra))
    history = file_upload_history
    of_file = history.c.repository_identity == file.identity
    connection.execute(update(history).where(of_file).values(oss_path=stored.path))
    # The history of a deleted upload still names the file, but its user gets no event any longer.
    followed = select(uploads.c.id).where(refers, uploads.c.state == UploadState.FINISHED.value)
    for task_id in connection.execute(followed).scalars().all():
        add_outcome(connection, UploadId(task_id), now=now)
        add_event(connection, UploadId(task_id), HookEvent.POST_COMPLETE, now)
    found = pool_file(connection, job.scope, job.file_hash, locked=True)
    if found is None:
        raise TransientError("The pool holds the file no longer.")
    return found
