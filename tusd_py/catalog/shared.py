"""Runs statements that repositories share: new uploads, history, look-ups in the pool."""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from tusd_py.catalog.fast_statement import FastStatement
from tusd_py.catalog.hooks import add_event
from tusd_py.catalog.outbox import add_outcome
from tusd_py.catalog.rows import NAME_CHARACTERS, date_time, file_of
from tusd_py.catalog.schema import (
    file_upload_history,
    possession_questions,
    renditions,
    repository_pool,
    uploads,
)
from tusd_py.catalog.upload_rows import UPLOAD_COLUMNS
from tusd_py.domain.file import File
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import Scope, UploadId
from tusd_py.domain.task import TaskStatus
from tusd_py.domain.upload import FinishedContent, Upload, UploadKind, UploadState
from tusd_py.storage.port import UploadExists

_RECEIVED: Final = TaskStatus.RECEIVED.value
IDS_AT_ONCE: Final = 500
"""Number of rows that one statement names."""
_IN_POOL: Final = select(repository_pool).where(
    repository_pool.c.scope == bindparam("scope"), repository_pool.c.hash == bindparam("hash")
)
_POOL_FILE: Final = FastStatement(_IN_POOL)
_POOL_FILE_LOCKED: Final = FastStatement(_IN_POOL.with_for_update())
_ADD_UPLOAD: Final = FastStatement(insert(uploads), UPLOAD_COLUMNS)
_ADD_HISTORY: Final = FastStatement(
    insert(file_upload_history),
    ["task_id", "user_id", "filename", "file_hash", "file_size", "status", "created_at"],
)


def insert_upload(connection: Connection, upload: Upload, row: Mapping[str, Any]) -> None:
    """Insert the row of a new upload, with its event unless it is a partial upload.

    Raises: UploadExists: another upload has the id.
    """
    try:
        _ADD_UPLOAD.run(connection, row)
    except (IntegrityError, sqlite3.IntegrityError) as error:
        raise UploadExists from error
    if upload.kind is not UploadKind.PARTIAL:
        add_event(connection, upload.id, HookEvent.POST_CREATE, upload.created_at)


def pool_file(
    connection: Connection, scope: Scope, file_hash: str, *, locked: bool = False
) -> File | None:
    """Return the scope's file with this source hash.

    Args: locked: no transaction removes the file from the pool until this one ends, which makes an
        upload refer to it.
    """
    statement = _POOL_FILE_LOCKED if locked else _POOL_FILE
    row = statement.first(connection, {"scope": scope, "hash": file_hash})
    return None if row is None else file_of(row)


def release_file(connection: Connection, upload_id: UploadId) -> None:
    """End the upload's reference to its file; a file without references leaves the pool.

    The janitor then removes the file's objects, unless the pool refers to them by another row.
    """
    identity = connection.execute(
        select(uploads.c.file_identity).where(uploads.c.id == upload_id)
    ).scalar()
    if identity is None:
        return
    pool = repository_pool
    connection.execute(select(pool.c.id).where(pool.c.identity == identity).with_for_update())
    points = select(uploads.c.id).where(
        uploads.c.file_identity == identity, uploads.c.state == UploadState.FINISHED.value
    )
    if connection.execute(select(exists(points))).scalar():
        return
    left = connection.execute(select(pool.c.hash).where(pool.c.identity == identity)).scalar()
    connection.execute(delete(pool).where(pool.c.identity == identity))
    connection.execute(delete(renditions).where(renditions.c.identity == identity))
    if left is not None:
        _forget_questions(connection, left)


def _forget_questions(connection: Connection, file_hash: str) -> None:
    """Delete the questions about content that the pool does not hold any longer."""
    held = exists(select(repository_pool.c.id).where(repository_pool.c.hash == file_hash))
    table = possession_questions
    connection.execute(delete(table).where(table.c.file_hash == file_hash, ~held))


def add_history(connection: Connection, content: FinishedContent, *, now: float) -> None:
    """Insert the task's record with the status received."""
    _ADD_HISTORY.run(
        connection,
        {
            "task_id": content.upload_id,
            "user_id": content.user_id,
            "filename": content.filename[:NAME_CHARACTERS],
            "file_hash": content.file_hash,
            "file_size": content.file_size,
            "status": _RECEIVED,
            "created_at": date_time(now),
        },
    )
    add_event(connection, content.upload_id, HookEvent.POST_FINISH, now)


def set_history(connection: Connection, task_id: UploadId, **values: Any) -> None:  # noqa: ANN401
    """Change the task's record."""
    connection.execute(
        update(file_upload_history).where(file_upload_history.c.task_id == task_id).values(**values)
    )


def complete_history(
    connection: Connection, task_id: UploadId, file: File, *, duration: int, now: float
) -> None:
    """Set the task's record to completed; ``duration`` is in whole seconds."""
    set_history(
        connection,
        task_id,
        status=TaskStatus.COMPLETED.value,
        error_msg="",
        oss_path=file.path,
        repository_identity=file.identity,
        duration=duration,
        completed_at=date_time(now),
    )
    add_outcome(connection, task_id, now=now)
    add_event(connection, task_id, HookEvent.POST_COMPLETE, now)
