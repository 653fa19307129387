"""Appending to uploads."""

from dataclasses import replace

from tusd_py.domain.commands import Append
from tusd_py.domain.errors import (
    FinalUploadImmutable,
    LengthConflict,
    LengthExceeded,
    MaxSizeExceeded,
    OffsetMismatch,
    UploadExpired,
)
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.uploads.body import Body, Interruption
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.instant import append_to_complete, declare
from tusd_py.uploads.ownership_proof import challenge, on_grid, prove
from tusd_py.uploads.programs import Steps, look
from tusd_py.uploads.receive import Appended, Opening, store_body
from tusd_py.uploads.session import Reception


async def append(room: UploadRoom, user_id: UserId, command: Append, body: Body) -> Appended:
    """Append a body at an offset; after the last byte the upload is finished and is a job.

    A holder of the upload is made to let go first, with every byte that had arrived.
    Raises: UploadNotFound, UploadExpired, UploadTerminated, FinalUploadImmutable, OffsetMismatch,
        LengthConflict, HashConflict, LengthExceeded, MaxSizeExceeded, UploadLocked, and what ``store_body``
        raises. Before any byte is stored: nothing was changed.
    Source: tus 1.0.0, PATCH.
    """
    # Before the lock: a stranger must not make anybody let go.
    known = await room.known(user_id, command.upload_id)
    if known.kind is UploadKind.FINAL:
        raise FinalUploadImmutable
    if known.instant:
        offset = await append_to_complete(room, user_id, command, body)
        return Appended(offset=offset, expires_at=None)
    if command.proof is not None:
        appended = await prove(room, user_id, command)
    else:
        appended = await _store(room, user_id, command, body)
    if appended.spared:
        room.counts.finished += 1
        room.counts.instant += 1
        room.counts.instant_bytes += appended.spared
    return appended


async def _store(room: UploadRoom, user_id: UserId, command: Append, body: Body) -> Appended:
    if not command.challenge or room.policy.possession is None:
        return await _store_body(room, user_id, command, body)
    async with on_grid(room.clock):
        appended = await _store_body(room, user_id, command, body)
        upload = await room.find(user_id, command.upload_id)
        return replace(appended, challenge=await challenge(room, upload))


async def _store_body(room: UploadRoom, user_id: UserId, command: Append, body: Body) -> Appended:
    if command.body_length != 0:
        await room.settle(user_id)
    interruption = Interruption()
    async with room.lock.hold(command.upload_id, on_release_requested=interruption.supersede):
        with room.body_under_way(interruption):
            return await store_body(
                room,
                command.upload_id,
                Opening(open=lambda: _open(room, user_id, command)),
                None if command.body_length == 0 else body,
                interruption,
            )


def _open(room: UploadRoom, user_id: UserId, command: Append) -> Steps[Reception | Appended]:
    """Under the lock: check the request against the upload as it is now, and open it."""
    upload = yield from look(lambda: room.look(user_id, command.upload_id))
    finished = upload.state is UploadState.FINISHED
    offset = _offset(room, upload)
    if upload.instant and command.offset <= offset:
        # Completed by its hash at another server, or a moment ago.
        return Appended(offset=offset, expires_at=None)
    if command.offset != offset:
        raise OffsetMismatch(current=offset, given=command.offset)
    if command.declared_length is not None:
        declared = command.declared_length
        if upload.length not in (None, declared) or declared < offset:
            raise LengthConflict
    _check_fits(room, upload, command, offset)
    if finished:
        return Appended(offset=offset, expires_at=None)
    upload = _with_length(room, upload, command)
    if command.declared_hash is not None and upload.kind is UploadKind.REGULAR:
        upload = declare(room, upload, command.declared_hash)
        if upload.instant:
            return Appended(offset=upload.size, expires_at=None, spared=upload.size - offset)
    return Reception.begin(room, upload, None if command.body_length == 0 else command.checksum)


def _offset(room: UploadRoom, upload: Upload) -> int:
    offset = room.offset(upload)
    if upload.state is UploadState.FINISHED:
        return offset
    expires_at = room.expires_at(upload)
    if expires_at is not None and expires_at < room.clock.now():
        raise UploadExpired
    return offset


def _check_fits(room: UploadRoom, upload: Upload, command: Append, offset: int) -> None:
    length = command.declared_length if upload.length is None else upload.length
    if command.body_length is None:
        return
    end = offset + command.body_length
    if length is not None and end > length:
        raise LengthExceeded(length)
    if room.policy.max_size is not None and end > room.policy.max_size:
        raise MaxSizeExceeded(room.policy.max_size)


def _with_length(room: UploadRoom, upload: Upload, command: Append) -> Upload:
    if command.declared_length is None or upload.length is not None:
        return upload
    if not room.catalog.declare_length(upload, command.declared_length, room.policy.quota):
        raise LengthConflict
    return replace(upload, length=command.declared_length)
