"""Records that an upload is finished: its state, its history, and a job, in one transaction."""

from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, update

from tusd_py.catalog.fair_queue import join_line
from tusd_py.catalog.fast_statement import FastStatement
from tusd_py.catalog.outbox import add_message
from tusd_py.catalog.quotas import within_quota
from tusd_py.catalog.rows import NAME_CHARACTERS, checkpoint_text, reversed_priority
from tusd_py.catalog.schema import jobs, uploads
from tusd_py.catalog.shared import add_history, complete_history, insert_upload, pool_file
from tusd_py.catalog.upload_rows import upload_row, was_held
from tusd_py.catalog.values import Finished
from tusd_py.domain.file import File
from tusd_py.domain.job import Checkpoint, JobState
from tusd_py.domain.quota import Quota, Usage, check_quota
from tusd_py.domain.upload import FinishedContent, Upload, UploadState

_FINISH: Final = FastStatement(
    update(uploads)
    .where(uploads.c.id == bindparam("upload_id"), uploads.c.state == UploadState.RECEIVING.value)
    .values(
        state=UploadState.FINISHED.value,
        file_hash=bindparam("hash_"),
        length=bindparam("size"),
        file_identity=bindparam("identity"),
        extra_size=bindparam("extra"),
        look_at=None,
    )
)
_ADD_JOB: Final = FastStatement(
    insert(jobs),
    [column.name for column in jobs.c if column.name not in ("claimed_at", "ended_at")],
)
_QUEUED: Final = JobState.QUEUED.value
_FINISHED: Final = UploadState.FINISHED.value
_NO_CHECKPOINT: Final = checkpoint_text(Checkpoint())


def finish(
    connection: Connection, content: FinishedContent, *, is_video: bool, now: float
) -> Finished:
    """Finish an open upload: see ``UploadRepository.finish``."""
    file = pool_file(connection, content.scope, content.file_hash, locked=True)
    finished = _FINISH.run(
        connection,
        {
            "upload_id": content.upload_id,
            "hash_": content.file_hash,
            "size": content.file_size,
            "identity": None if file is None else file.identity,
            "extra": 0 if file is None else file.extra_size,
        },
    )
    if finished != 1:
        return Finished(first=False, file=file if was_held(connection, content.upload_id) else None)
    return _record_finish(connection, content, file, is_video=is_video, now=now)


def add_finished(
    connection: Connection,
    upload: Upload,
    content: FinishedContent,
    *,
    is_video: bool,
    quota: Quota | None,
    now: float,
) -> Finished:
    """Record a new upload as finished: see ``UploadRepository.add_finished``."""
    file = pool_file(connection, content.scope, content.file_hash, locked=True)
    extra = 0 if file is None else file.extra_size
    with within_quota(connection, upload.user_id, quota, partial(_check_as_open, extra)):
        insert_upload(connection, upload, _finished_row(upload, content, file))
    return _record_finish(connection, content, file, is_video=is_video, now=now)


def _finished_row(upload: Upload, content: FinishedContent, file: File | None) -> dict[str, Any]:
    """Return the row of a new upload as ``_FINISH`` would leave it."""
    return {
        **upload_row(upload),
        "state": _FINISHED,
        "file_hash": content.file_hash,
        "length": content.file_size,
        "file_identity": None if file is None else file.identity,
        "extra_size": 0 if file is None else file.extra_size,
        "look_at": None,
    }


def _check_as_open(extra_size: int, usage: Usage, quota: Quota) -> None:
    """Check the quota as if an upload that is recorded as finished were still arriving.

    Args: extra_size: its bytes that count only from its finish on.
    Raises: TooManyUploads, TooManyFiles, QuotaExceeded.
    """
    check_quota(
        Usage(usage.open_uploads + 1, usage.stored_bytes - extra_size, usage.stored_files), quota
    )


def _record_finish(
    connection: Connection,
    content: FinishedContent,
    file: File | None,
    *,
    is_video: bool,
    now: float,
) -> Finished:
    """Record what follows from the finish of an upload: its history, and a job if it needs one.

    Args: file: the pool's file if the pool held the content.
    """
    add_history(connection, content, now=now)
    if file is not None:
        complete_history(connection, content.upload_id, file, duration=0, now=now)
        return Finished(first=True, file=file)
    _add_job(connection, content, is_video=is_video, now=now)
    add_message(connection, content.upload_id, due_at=now)
    join_line(connection, content.lane, content.user_id, due_at=now, priority=content.priority)
    return Finished(first=True, file=None)


def _add_job(
    connection: Connection, content: FinishedContent, *, is_video: bool, now: float
) -> None:
    _ADD_JOB.run(
        connection,
        {
            "task_id": content.upload_id,
            "user_id": content.user_id,
            "scope": content.scope,
            "filename": content.filename[:NAME_CHARACTERS],
            "filetype": content.filetype[:NAME_CHARACTERS],
            "file_hash": content.file_hash,
            "file_size": content.file_size,
            "temp_path": content.temp_path,
            "is_video": is_video,
            "state": _QUEUED,
            "owner": "",
            "fence": 0,
            "attempts": 0,
            "crash_count": 0,
            "lease_until": 0.0,
            "run_after": now,
            "lane": str(content.lane),
            "precedence": reversed_priority(content.priority),
            "checkpoint": _NO_CHECKPOINT,
            "error_code": "",
            "error_msg": "",
            "created_at": now,
        },
    )
