"""Appending to uploads."""

from dataclasses import dataclass, replace

from tusd_py.domain.commands import Append, Checksum, LateChecksum
from tusd_py.domain.errors import (
    FinalUploadImmutable,
    HashMismatch,
    LengthConflict,
    LengthExceeded,
    MaxSizeExceeded,
    OffsetMismatch,
    StorageDamaged,
    TypeMismatch,
    UploadExpired,
)
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.stores.port import Writer
from tusd_py.uploads.body import Body, Interruption
from tusd_py.uploads.finish import catch_up_early, finish
from tusd_py.uploads.receive import receive
from tusd_py.uploads.room import UploadRoom
from tusd_py.uploads.terminate import drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """How far an upload is. Offset in bytes, ``expires_at`` unix seconds (UTC)."""

    offset: int
    expires_at: float | None


async def append(room: UploadRoom, user_id: UserId, command: Append, body: Body) -> Appended:
    """Append a body at an offset; after the last byte the upload is finished and is a job.

    A holder of the upload is made to let go first, with every byte that had arrived.
    Raises: UploadNotFound, UploadExpired, UploadTerminated, FinalUploadImmutable, OffsetMismatch,
        LengthConflict, LengthExceeded, MaxSizeExceeded, UploadLocked, and what ``receive`` and
        ``finish`` raise. Before any byte is read: nothing was changed.
    Source: tus 1.0.0, PATCH.
    """
    upload = await room.find(user_id, command.upload_id)
    if upload.kind is UploadKind.FINAL:
        raise FinalUploadImmutable
    interruption = Interruption()
    async with room.lock.hold(upload.id, on_release_requested=interruption.supersede):
        with room.body_under_way(interruption):
            upload, offset = await _checked(room, user_id, command)
            if upload.state is UploadState.FINISHED:
                return Appended(offset=offset, expires_at=None)
            upload = await _with_length(room, upload, command)
            source = None if command.body_length == 0 else body
            return await store_body(room, upload, source, command.checksum, interruption)


async def _checked(room: UploadRoom, user_id: UserId, command: Append) -> tuple[Upload, int]:
    """Under the lock: the upload as it is now, and its offset."""
    upload = await room.find(user_id, command.upload_id)
    if upload.state is UploadState.FINISHED and upload.length is not None:
        offset = upload.length
    else:
        offset, expires_at = await room.threads.call(
            lambda: (room.stores.core.offset(upload.id), room.expires_at(upload))
        )
        if expires_at is not None and expires_at < room.clock.now():
            raise UploadExpired
    if command.offset != offset:
        raise OffsetMismatch(current=offset, given=command.offset)
    if command.declared_length is not None:
        declared = command.declared_length
        if upload.length not in (None, declared) or declared < offset:
            raise LengthConflict
    _check_fits(room, upload, command, offset)
    return upload, offset


def _check_fits(room: UploadRoom, upload: Upload, command: Append, offset: int) -> None:
    length = command.declared_length if upload.length is None else upload.length
    if command.body_length is None:
        return
    end = offset + command.body_length
    if length is not None and end > length:
        raise LengthExceeded(length)
    if room.policy.max_size is not None and end > room.policy.max_size:
        raise MaxSizeExceeded(room.policy.max_size)


async def _with_length(room: UploadRoom, upload: Upload, command: Append) -> Upload:
    if upload.length is not None or command.declared_length is None:
        return upload
    if not await room.threads.call(room.catalog.declare_length, upload.id, command.declared_length):
        raise LengthConflict
    return replace(upload, length=command.declared_length)


async def store_body(
    room: UploadRoom,
    upload: Upload,
    body: Body | None,
    checksum: Checksum | LateChecksum | None,
    interruption: Interruption,
) -> Appended:
    """Take the body (None: there is none) and finish the upload if it is full.

    The caller holds the lock. Raises: what ``receive`` and ``finish`` raise.
    """
    writer: Writer = await room.threads.body(
        lambda: room.stores.core.writer(upload.id, length=upload.length)
    )
    try:
        if body is not None:
            catch_up_early(room, upload, writer.offset)
            try:
                await receive(
                    room, upload, writer, body, checksum=checksum, interruption=interruption
                )
            except TypeMismatch:
                room.counts.refused[TypeMismatch.code] += 1
                await room.threads.call(drop, room, upload, UploadState.REJECTED, TypeMismatch)
                raise
        offset = writer.offset
        if offset != upload.length:
            return Appended(
                offset=offset, expires_at=await room.threads.call(room.expires_at, upload)
            )
        await room.threads.body(writer.sync)
    except StorageDamaged:
        # The disk may have lost bytes that the hash has seen: it is made anew from the file.
        room.followers.drop(upload.id)
        raise
    finally:
        await room.threads.body(writer.close)
    try:
        await finish(room, upload)
    except (HashMismatch, TypeMismatch) as error:
        await room.threads.call(drop, room, upload, UploadState.REJECTED, type(error))
        raise
    return Appended(offset=offset, expires_at=None)
