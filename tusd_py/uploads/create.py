"""Creating uploads, with or without their first bytes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Create
from tusd_py.domain.errors import (
    ChecksumMismatch,
    HashMismatch,
    LengthExceeded,
    MaxSizeExceeded,
    ProfileNotAllowed,
    ProtocolError,
    QuotaExceeded,
    StorageFull,
    TooManyFiles,
    TooManyUploads,
    TusdError,
    TypeMismatch,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.type_rules import check_declared
from tusd_py.domain.upload import PROFILE_KEY, Upload, UploadKind, UploadState
from tusd_py.uploads.body import Body, Interruption
from tusd_py.uploads.concatenate import plan_final
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.finish import complete_final
from tusd_py.uploads.instant import claim, discard
from tusd_py.uploads.ownership_proof import challenge, on_grid
from tusd_py.uploads.programs import Steps, commit
from tusd_py.uploads.receive import Opening, store_body
from tusd_py.uploads.session import Reception
from tusd_py.uploads.terminate import drop, reject

_REFUSALS: Final = (
    ChecksumMismatch,
    LengthExceeded,
    MaxSizeExceeded,
    TypeMismatch,
    HashMismatch,
    ProtocolError,
    QuotaExceeded,
    TooManyFiles,
    TooManyUploads,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new upload and how far it is. Offset in bytes, None while a final upload waits for parts."""

    upload: Upload
    offset: int | None
    expires_at: float | None
    challenge: bytes | None = None
    """Nonce of a challenge that may be answered, 32 bytes."""


async def create(
    room: UploadRoom, caller: Caller, upload_id: UploadId, command: Create, body: Body
) -> Created:
    """Make an upload, with the bytes that come along, finished at once if those are all.

    Args: upload_id: fresh random bits. Nothing is left behind by a refusal, save what the client
        may resume (a body that broke off).
    Raises: TypeNotAllowed, MaxSizeExceeded, StorageFull, QuotaExceeded, TooManyFiles, TooManyUploads,
        LengthExceeded, InvalidConcatenation, TooManyParts, PartialNotFinished, UploadNotFound (a part),
        HookRefused, HookUnavailable, and what ``append`` raises.
    Source: tus 1.0.0, creation, creation-with-upload, creation-defer-length, concatenation.
    """
    if not command.challenge or command.has_body or room.policy.possession is None:
        return await _create(room, caller, upload_id, command, body)
    async with on_grid(room.clock):
        created = await _create(room, caller, upload_id, command, body)
        return replace(created, challenge=await challenge(room, created.upload))


async def _create(
    room: UploadRoom, caller: Caller, upload_id: UploadId, command: Create, body: Body
) -> Created:
    upload = _planned(room, caller, upload_id, command)
    if command.kind is UploadKind.FINAL:
        return await _create_final(room, upload)
    _check_fits(room, upload, command)
    await _ask_application(room, upload)
    born = await claim(room, upload)
    if born is not None:
        return await _born_complete(room, born, command, body)
    if not command.has_body and upload.length != 0:
        expires_at = await room.lane.run(_record(room, upload))
        _count(room, upload)
        return Created(upload=upload, offset=0, expires_at=expires_at)
    return await _create_with_body(room, upload, command, body)


async def _create_with_body(
    room: UploadRoom, upload: Upload, command: Create, body: Body
) -> Created:
    reception: Reception | None = None
    recorded = False

    def open_() -> Steps[Reception]:
        nonlocal reception
        yield from ()
        room.check_disk(upload)
        checksum = command.checksum if command.has_body else None
        reception = Reception.begin(room, upload, checksum, new=True)
        return reception

    def record() -> None:
        nonlocal recorded
        recorded = False  # it may be called twice
        there = reception.offset if reception is not None and upload.length is None else 0
        room.catalog.add_upload(replace(upload, granted=there), room.policy.quota)
        recorded = True

    opening = Opening(open=open_, record=record)
    interruption = Interruption()
    source = body if command.has_body else None
    if source is not None:
        await room.settle(upload.user_id)
    try:
        async with room.lock.hold(upload.id, on_release_requested=interruption.supersede):
            with room.body_under_way(interruption):
                appended = await store_body(room, upload.id, opening, source, interruption)
    except _REFUSALS as error:
        # The client never learnt the address: nothing could resume it.
        await room.threads.call(_forget, room, upload, error, recorded=recorded)
        raise
    finally:
        # One whose whole body was here is refused before it has a record; it was begun all the same.
        room.counts.created += reception is not None
    room.know(upload)
    return Created(upload=upload, offset=appended.offset, expires_at=appended.expires_at)


async def _born_complete(room: UploadRoom, upload: Upload, command: Create, body: Body) -> Created:
    _count(room, upload)
    room.counts.finished += 1
    room.counts.instant += 1
    room.counts.instant_bytes += upload.size
    if command.has_body:
        # To the end: a browser whose POST breaks off makes another upload (measured: six of them).
        await discard(room, body)
    return Created(upload=upload, offset=upload.size, expires_at=None)


def _planned(room: UploadRoom, caller: Caller, upload_id: UploadId, command: Create) -> Upload:
    upload = Upload(
        id=upload_id,
        user_id=caller.user_id,
        tenant=caller.tenant,
        priority=caller.priority,
        length=command.length,
        kind=command.kind,
        metadata_header=command.metadata_header,
        metadata=command.metadata,
        concat_header=command.concat_header,
        parts=command.parts,
        declared_hash=command.declared_hash,
        created_at=room.clock.now(),
    )
    if command.kind is not UploadKind.PARTIAL:
        check_declared(upload.filename, upload.filetype, room.policy.allowed_extensions)
        _check_profile(upload, room.policy.profiles)
    return upload


def _check_profile(upload: Upload, offered: Collection[str]) -> None:
    """Raises: ProfileNotAllowed: the client chose one that is not offered, where some are."""
    chosen = upload.metadata.get(PROFILE_KEY)
    if offered and chosen is not None and chosen.decode("utf-8", "replace") not in offered:
        raise ProfileNotAllowed


async def _ask_application(room: UploadRoom, upload: Upload) -> None:
    """Last of all rules, and before anything is made; a part is no task. Raises: HookRefused,
    HookUnavailable."""
    if room.before_create is not None and upload.kind is not UploadKind.PARTIAL:
        await room.before_create(upload)


def _check_fits(room: UploadRoom, upload: Upload, command: Create) -> None:
    length = command.body_length if command.has_body else 0
    if length is None:
        return
    if upload.length is not None and length > upload.length:
        raise LengthExceeded(upload.length)
    if room.policy.max_size is not None and length > room.policy.max_size:
        raise MaxSizeExceeded(room.policy.max_size)


async def _create_final(room: UploadRoom, upload: Upload) -> Created:
    upload = await plan_final(room, upload)
    await _ask_application(room, upload)
    expires_at = await room.lane.run(_record(room, upload))
    _count(room, upload)
    try:
        done = await complete_final(room, upload.id)
    except StorageFull as error:
        # The client never learns the address: nothing could wait for room.
        await reject(room, upload, error)
        raise
    if done:
        return Created(upload=upload, offset=upload.length, expires_at=None)
    return Created(upload=upload, offset=None, expires_at=expires_at)


def _record(room: UploadRoom, upload: Upload) -> Steps[float | None]:
    """File first, then its row: a crash in between leaves a file that ``gc`` finds.

    Returns: when it expires unless a byte comes, unix seconds.
    """
    room.check_disk(upload)
    room.stores.core.create(upload.id)
    try:
        yield from commit(lambda: room.catalog.add_upload(upload, room.policy.quota))
    except (QuotaExceeded, TooManyFiles, TooManyUploads):
        room.stores.core.delete(upload.id)
        raise
    yield from room.begun(upload)
    return room.expires_at(upload)


def _forget(room: UploadRoom, upload: Upload, error: TusdError, *, recorded: bool) -> None:
    if recorded:
        drop(room, upload, UploadState.REJECTED, type(error))
    else:
        room.followers.drop(upload.id)
        room.stores.core.delete(upload.id)


def _count(room: UploadRoom, upload: Upload) -> None:
    room.counts.created += 1
    room.know(upload)
