"""Lists what a user has: every upload that is no part of another one and was not deleted."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, false, func, or_, select

from tusd_py.catalog.rows import date_time, unix_seconds
from tusd_py.catalog.schema import file_upload_history, uploads
from tusd_py.catalog.values import FileQuery, FileState, HistoryRow, ListPosition
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskStatus
from tusd_py.domain.upload import UploadKind, UploadState

_HISTORY: Final = file_upload_history.c
_RECEIVING: Final = uploads.c.state == UploadState.RECEIVING.value
_LOST: Final = uploads.c.state.in_((UploadState.EXPIRED.value, UploadState.REJECTED.value))
_FINISHED: Final = uploads.c.state == UploadState.FINISHED.value
_ENDED: Final = (TaskStatus.COMPLETED.value, TaskStatus.FAILED.value)
_CONDITIONS: Final = {
    FileState.RECEIVING: _RECEIVING,
    FileState.PROCESSING: and_(_FINISHED, _HISTORY.status.not_in(_ENDED)),
    FileState.COMPLETED: and_(_FINISHED, _HISTORY.status == TaskStatus.COMPLETED.value),
    FileState.FAILED: or_(_LOST, and_(_FINISHED, _HISTORY.status == TaskStatus.FAILED.value)),
}
_STATUS: Final = case(
    (_RECEIVING, TaskStatus.PENDING.value),
    (_LOST, TaskStatus.FAILED.value),
    else_=_HISTORY.status,
).label("status")
_COLUMNS: Final = (
    uploads.c.id, uploads.c.user_id, uploads.c.filename, uploads.c.file_hash, uploads.c.length,
    uploads.c.relative_path, uploads.c.created_at, _STATUS, _HISTORY.error_msg, _HISTORY.oss_path,
    _HISTORY.repository_identity, _HISTORY.duration, _HISTORY.completed_at,
)  # fmt: skip


def list_files(
    connection: Connection, user_id: UserId, query: FileQuery, position: ListPosition, size: int
) -> tuple[int, list[HistoryRow]]:
    """Return the number of a user's files that the query selects, and a page of them."""
    count: Select[Any] = select(func.count(uploads.c.id))
    rows: Select[Any] = select(*_COLUMNS)
    conditions = _conditions(user_id, query)
    joined = uploads.outerjoin(file_upload_history, _HISTORY.task_id == uploads.c.id)
    total = connection.execute(count.select_from(joined).where(*conditions)).scalar_one()
    rows = rows.select_from(joined).where(*conditions).limit(size).offset(position.skipped)
    if position.after is not None:
        created_at, upload_id = position.after
        rows = rows.where(
            or_(
                uploads.c.created_at < created_at,
                and_(uploads.c.created_at == created_at, uploads.c.id > upload_id),
            )
        )
    rows = rows.order_by(uploads.c.created_at.desc(), uploads.c.id)
    return total, [_record_of(row) for row in connection.execute(rows).mappings()]


def _conditions(user_id: UserId, query: FileQuery) -> Sequence[ColumnElement[bool]]:
    conditions = [
        uploads.c.user_id == user_id,
        uploads.c.kind != UploadKind.PARTIAL.value,
        uploads.c.state != UploadState.TERMINATED.value,
    ]
    if query.state is not None:
        conditions.append(_CONDITIONS[query.state])
    if "\0" in query.name:
        # No name has a NUL, and SQLite's LIKE would compare only what comes before it.
        conditions.append(false())
    elif query.name:
        named = (uploads.c.filename, uploads.c.relative_path)
        conditions.append(or_(*(text.icontains(query.name, autoescape=True) for text in named)))
    if query.folder:
        beginning = f"{query.folder}/"
        # LIKE takes large and small letters for the same.
        conditions.append(func.substr(uploads.c.relative_path, 1, len(beginning)) == beginning)
    if query.id_prefix:
        conditions.append(uploads.c.id.startswith(query.id_prefix, autoescape=True))
    if query.created_from is not None:
        conditions.append(uploads.c.created_at >= query.created_from)
    if query.created_before is not None:
        conditions.append(uploads.c.created_at < query.created_before)
    if query.ended_from is not None:
        conditions.append(_HISTORY.completed_at >= date_time(query.ended_from))
    return conditions


def _record_of(row: Any) -> HistoryRow:  # noqa: ANN401
    """Return the record of a listed file, whether it has one in the history already or not."""
    ended = row["completed_at"]
    return HistoryRow(
        task_id=UploadId(row["id"]),
        user_id=UserId(row["user_id"]),
        filename=row["filename"],
        file_hash=row["file_hash"] or "",
        file_size=row["length"] or 0,
        status=row["status"],
        error_msg=row["error_msg"] or "",
        oss_path=row["oss_path"] or "",
        repository_identity=row["repository_identity"] or "",
        duration=row["duration"],
        created_at=row["created_at"],
        completed_at=unix_seconds(ended) if ended else None,
        relative_path=row["relative_path"],
    )
