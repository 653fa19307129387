"""Inserts and finds rows of uploads, and checks how an upload was finished."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select

from tusd_py.catalog.fast_statement import FastStatement
from tusd_py.catalog.hooks import add_event
from tusd_py.catalog.rows import UPLOAD_COLUMNS, upload_of
from tusd_py.catalog.schema import uploads
from tusd_py.domain.errors import UploadExpired, UploadNotFound, UploadTerminated
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadKind, UploadState

CLOSED_STATES: Final = (UploadState.TERMINATED, UploadState.EXPIRED, UploadState.REJECTED)

_ADD_UPLOAD: Final = FastStatement(insert(uploads), UPLOAD_COLUMNS)
_FIND: Final = select(uploads).where(uploads.c.id == bindparam("upload_id"))
_UPLOAD: Final = FastStatement(_FIND)
_UPLOAD_LOCKED: Final = FastStatement(_FIND.with_for_update())


def insert_upload(connection: Connection, upload: Upload, row: Mapping[str, Any]) -> None:
    """Insert the row of a new upload, with its event unless it is a partial upload."""
    _ADD_UPLOAD.run(connection, row)
    if upload.kind is not UploadKind.PARTIAL:
        add_event(connection, upload.id, HookEvent.POST_CREATE, upload.created_at)


def find_upload(
    connection: Connection, upload_id: UploadId, *, locked: bool = False
) -> Upload | None:
    """Return the upload in any state. ``locked``: lock its row until the transaction ends."""
    statement = _UPLOAD_LOCKED if locked else _UPLOAD
    row = statement.first(connection, {"upload_id": upload_id})
    return None if row is None else upload_of(row)


def was_held(connection: Connection, upload_id: UploadId) -> bool:
    """Return whether an upload that was finished before found its content in the pool.

    Raises: UploadNotFound, UploadExpired, UploadTerminated: it was not finished, and cannot be any
        longer.
    """
    upload = find_upload(connection, upload_id, locked=True)
    if upload is None:
        raise UploadNotFound
    if upload.state is UploadState.EXPIRED:
        raise UploadExpired
    if upload.state in CLOSED_STATES:
        raise UploadTerminated
    return upload.file_identity is not None
