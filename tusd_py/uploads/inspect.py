"""Returns the offset of an upload."""

from dataclasses import dataclass

from tusd_py.domain.commands import Inspect
from tusd_py.domain.errors import UploadExpired
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.uploads.context import UploadContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """Holds an upload and its offset in bytes.

    The offset is None for a final upload that waits for its parts.
    """

    upload: Upload
    offset: int | None
    expires_at: float | None


async def inspect(context: UploadContext, user_id: UserId, command: Inspect) -> Inspected:
    """Return the offset to resume from.

    The current holder of the lock releases it first, so the bytes that it received count.

    Raises: UploadNotFound, UploadExpired, UploadTerminated, UploadLocked.
    Source: tus 1.0.0, HEAD.
    """
    upload = await context.find(user_id, command.upload_id)
    if upload.state is UploadState.FINISHED:
        expires_at = await context.threads.call(context.expires_at, upload)
        return Inspected(upload=upload, offset=upload.length, expires_at=expires_at)
    if upload.kind is UploadKind.FINAL:
        return Inspected(upload=upload, offset=None, expires_at=None)
    async with context.locked(upload.id):
        upload = await context.find(user_id, command.upload_id)
        offset, expires_at = await context.threads.call(
            lambda: (context.offset(upload), context.expires_at(upload))
        )
    if upload.state is UploadState.FINISHED:
        return Inspected(upload=upload, offset=offset, expires_at=expires_at)
    if expires_at is not None and expires_at < context.clock.now():
        raise UploadExpired
    return Inspected(upload=upload, offset=offset, expires_at=expires_at)
