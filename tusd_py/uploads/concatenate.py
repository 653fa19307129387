"""Final uploads: planned from their parts, assembled once the last part is there."""

from dataclasses import replace

from tusd_py.domain.errors import InvalidConcatenation, MaxSizeExceeded, PartialNotFinished
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.uploads.room import UploadRoom


async def plan_final(room: UploadRoom, upload: Upload) -> Upload:
    """A final upload with its length as far as its parts tell it.

    Raises: InvalidConcatenation: a part is not there, not the caller's or no partial upload;
        PartialNotFinished: the store can't wait for parts; MaxSizeExceeded.
    Source: tus 1.0.0, concatenation and concatenation-unfinished.
    """
    parts = await room.threads.call(_parts, room, upload)
    if len(parts) < len(upload.parts) or any(not _usable(part, upload.user_id) for part in parts):
        raise InvalidConcatenation("Upload-Concat names something that is no partial upload.")
    concatenation = room.stores.concatenation
    if concatenation is None and any(part.state is UploadState.RECEIVING for part in parts):
        raise PartialNotFinished
    length = _sum(parts)
    limit = room.policy.max_size
    if limit is not None and length is not None and length > limit:
        raise MaxSizeExceeded(limit)
    return replace(upload, length=length)


async def assemble(room: UploadRoom, upload: Upload) -> Upload | None:
    """Fill a final upload with its parts' bytes; None when a part is unfinished or gone.

    The caller holds the final upload's lock. Durable when it returns; doing it twice does no harm.
    Raises: UploadNotFound: a part went away meanwhile; StorageFull, StorageDamaged.
    """
    return await room.threads.body(_assemble, room, upload)


def _assemble(room: UploadRoom, upload: Upload) -> Upload | None:
    parts = _parts(room, upload)
    if len(parts) < len(upload.parts):
        return None
    if any(part.state is not UploadState.FINISHED for part in parts):
        return None
    if room.stores.concatenation is None:
        return None
    length = room.stores.concatenation.concatenate(upload.id, upload.parts)
    room.catalog.declare_length(upload, length)
    return replace(upload, length=length)


def _parts(room: UploadRoom, upload: Upload) -> list[Upload]:
    known = [room.catalog.upload(part_id) for part_id in upload.parts]
    return [part for part in known if part is not None]


def _usable(part: Upload, user_id: UserId) -> bool:
    alive = part.state in (UploadState.RECEIVING, UploadState.FINISHED)
    return part.user_id == user_id and part.kind is UploadKind.PARTIAL and alive


def _sum(parts: list[Upload]) -> int | None:
    lengths = [part.length for part in parts]
    return None if None in lengths else sum(length or 0 for length in lengths)
