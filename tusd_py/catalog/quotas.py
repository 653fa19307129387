"""Counts an owner's usage in SQL.

It is counted from the rows of the uploads, so that it cannot drift, and under a lock of the owner,
so that two servers do not both find room for the last byte.

Measured on SQLite, in an index of its own: 0.2 ms with 100 uploads, 2.6 ms with 10,000, 32 ms with
100,000.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sqlalchemy import Connection, bindparam, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tusd_py.catalog.schema import owners, uploads
from tusd_py.domain.errors import UploadNotFound
from tusd_py.domain.ids import UserId
from tusd_py.domain.quota import Quota, Usage, check_quota
from tusd_py.domain.upload import Upload, UploadKind, UploadState

_LIVE: Final = (UploadState.RECEIVING.value, UploadState.FINISHED.value)
_OF_USER: Final = (uploads.c.user_id == bindparam("user_id"), uploads.c.state.in_(_LIVE))
_OPEN: Final = case((uploads.c.state == UploadState.RECEIVING.value, 1), else_=0)
_BYTES: Final = func.coalesce(uploads.c.length, uploads.c.granted) + uploads.c.extra_size
"""Bytes that were sent or may be sent, and what is kept of the renditions in addition."""
_HALF: Final = 32
"""Bits of the lower half of a length. Halves are summed: a sum may exceed 63 bits, at which SQLite
fails."""
_BY_KIND: Final = (
    select(
        uploads.c.kind,
        func.count().label("files"),
        func.sum(_OPEN).label("open"),
        func.sum(_BYTES.op(">>")(_HALF)).label("high"),
        func.sum(_BYTES.op("&")((1 << _HALF) - 1)).label("low"),
    )
    .where(*_OF_USER)
    .group_by(uploads.c.kind)
)
_PARTS: Final = select(uploads.c.id, uploads.c.length).where(
    *_OF_USER, uploads.c.kind == UploadKind.PARTIAL.value
)
_FINALS: Final = select(uploads.c.parts).where(
    *_OF_USER, uploads.c.kind == UploadKind.FINAL.value, uploads.c.length.is_not(None)
)
_RESERVED: Final = select(uploads.c.granted).where(
    uploads.c.id == bindparam("upload_id"),
    uploads.c.state == UploadState.RECEIVING.value,
    uploads.c.length.is_(None),
)
_AHEAD_PARTS: Final = 8
"""A reservation ahead of the bytes takes at most one part in this number of the room that is left.

So an owner's uploads do not keep the last of the quota from each other.
"""


@contextmanager
def within_quota(
    connection: Connection,
    user_id: UserId,
    quota: Quota | None,
    check: Callable[[Usage, Quota], None] = check_quota,
) -> Iterator[None]:
    """Check that what the block adds fits.

    Raises: what ``check`` raises; the caller rolls it back.
    """
    if quota is None:
        yield
        return
    _lock_owner(connection, user_id)
    yield
    check(usage(connection, user_id), quota)


def reserve_quota(connection: Connection, upload: Upload, end: int, ahead: int, limit: int) -> int:
    """Reserve quota: see ``UploadRepository.reserve_quota``."""
    _lock_owner(connection, upload.user_id)
    found = connection.execute(_RESERVED, {"upload_id": upload.id}).scalar()
    if found is None:
        raise UploadNotFound
    granted = int(found)
    room = limit - usage(connection, upload.user_id).stored_bytes
    if end <= granted or room <= 0:
        return granted
    given = granted + min(room, end - granted + min(ahead, room // _AHEAD_PARTS))
    connection.execute(update(uploads).where(uploads.c.id == upload.id).values(granted=given))
    return given


def _lock_owner(connection: Connection, user_id: UserId) -> None:
    """Lock the owner: others count the usage only after this transaction has ended."""
    held = update(owners).where(owners.c.user_id == user_id).values(looks=owners.c.looks + 1)
    if connection.execute(held).rowcount:
        return
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(owners).values(user_id=user_id, looks=0))
    connection.execute(held)


def usage(connection: Connection, user_id: UserId) -> Usage:
    """Return what the owner has: see ``Usage``."""
    values = {"user_id": user_id}
    kinds = {row.kind: row for row in connection.execute(_BY_KIND, values)}
    stored = sum((int(row.high) << _HALF) + int(row.low) for row in kinds.values())
    if UploadKind.PARTIAL.value in kinds and UploadKind.FINAL.value in kinds:
        joined = {
            part for text in connection.execute(_FINALS, values).scalars() for part in text.split()
        }
        parts = connection.execute(_PARTS, values)
        stored -= sum(row.length or 0 for row in parts if row.id in joined)
    return Usage(
        sum(int(row.open) for row in kinds.values()),
        stored,
        sum(int(row.files) for row in kinds.values()),
    )
