"""Converts rows of uploads to values and back, finds them, and checks how one was finished."""

from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from tusd_py.catalog.fast_statement import FastStatement, Row
from tusd_py.catalog.rows import NAME_CHARACTERS
from tusd_py.catalog.schema import uploads
from tusd_py.domain.errors import UploadExpired, UploadNotFound, UploadTerminated
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadProtocol, UploadState
from tusd_py.protocol.fields import decode_metadata

UPLOAD_COLUMNS: Final = (
    "id", "user_id", "length", "kind", "state", "metadata_header", "concat_header", "parts",
    "declared_hash", "file_hash", "file_identity", "source_removed", "instant", "tenant",
    "created_at", "granted", "look_at", "extra_size", "priority",
    "filename", "relative_path", "protocol", "completes_at_length", "sha256", "wants_sha256",
)  # fmt: skip
"""Columns that ``upload_row`` fills."""
CLOSED_STATES: Final = (UploadState.TERMINATED, UploadState.EXPIRED, UploadState.REJECTED)

_FIND: Final = select(uploads).where(uploads.c.id == bindparam("upload_id"))
_UPLOAD: Final = FastStatement(_FIND)
_UPLOAD_LOCKED: Final = FastStatement(_FIND.with_for_update())


def upload_row(upload: Upload) -> dict[str, Any]:
    """Return the columns of ``uploads`` for a new upload."""
    header = upload.metadata_header
    return {
        "id": upload.id,
        "user_id": upload.user_id,
        "length": upload.length,
        "kind": str(upload.kind),
        "state": str(upload.state),
        "metadata_header": None if header is None else header.encode("latin-1"),
        "concat_header": upload.concat_header,
        "parts": " ".join(upload.parts),
        "declared_hash": upload.declared_hash,
        "file_hash": upload.file_hash,
        "file_identity": upload.file_identity,
        "source_removed": False,
        "instant": upload.instant,
        "tenant": upload.tenant,
        "created_at": upload.created_at,
        "granted": upload.granted,
        "look_at": upload.created_at,
        "extra_size": 0,
        "priority": upload.priority,
        "filename": upload.filename[:NAME_CHARACTERS],
        "relative_path": upload.relative_path,
        "protocol": str(upload.protocol),
        "completes_at_length": upload.completes_at_length,
        "sha256": upload.sha256,
        "wants_sha256": upload.wants_sha256,
    }


def upload_of(row: Row) -> Upload:
    """Return the upload that a row of ``uploads`` holds."""
    raw = row["metadata_header"]
    header = None if raw is None else bytes(raw).decode("latin-1")
    return Upload(
        id=UploadId(row["id"]),
        user_id=UserId(row["user_id"]),
        length=row["length"],
        kind=UploadKind(row["kind"]),
        protocol=UploadProtocol(row["protocol"]),
        completes_at_length=bool(row["completes_at_length"]),
        state=UploadState(row["state"]),
        metadata_header=header,
        metadata=decode_metadata(header or ""),
        concat_header=row["concat_header"],
        parts=tuple(UploadId(part) for part in row["parts"].split()),
        declared_hash=row["declared_hash"],
        sha256=row["sha256"],
        wants_sha256=bool(row["wants_sha256"]),
        file_hash=row["file_hash"],
        file_identity=row["file_identity"],
        instant=bool(row["instant"]),
        tenant=row["tenant"],
        granted=row["granted"],
        priority=row["priority"],
        created_at=row["created_at"],
    )


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
