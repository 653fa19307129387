"""Creates uploads, with or without their first bytes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Create, completes_at_length
from tusd_py.domain.errors import (
    ChecksumMismatch,
    HashMismatch,
    HookRefused,
    HookUnavailable,
    LengthConflict,
    LengthExceeded,
    MaxSizeExceeded,
    MetadataTooLarge,
    ProfileNotAllowed,
    ProtocolError,
    QuotaExceeded,
    StorageFull,
    TooManyFiles,
    TooManyUploads,
    TusdError,
    TypeMismatch,
    UploadLocked,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.type_rules import check_name
from tusd_py.domain.upload import PROFILE_KEY, Upload, UploadKind, UploadState
from tusd_py.protocol.fields import metadata_header, parse_metadata
from tusd_py.storage.port import UploadExists
from tusd_py.uploads.arrival import ArrivalListener
from tusd_py.uploads.body import Body
from tusd_py.uploads.concatenate import plan_final
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import complete_final
from tusd_py.uploads.instant import create_complete, discard
from tusd_py.uploads.ownership_proof import challenge, padded_to_quantum
from tusd_py.uploads.programs import Program, commit
from tusd_py.uploads.receive import receive
from tusd_py.uploads.session import WriteSession
from tusd_py.uploads.terminate import drop, reject

_REFUSALS: Final = (
    ChecksumMismatch,
    LengthConflict,
    LengthExceeded,
    MaxSizeExceeded,
    TypeMismatch,
    HashMismatch,
    ProtocolError,
    QuotaExceeded,
    TooManyFiles,
    TooManyUploads,
)
_ID_TAKEN: Final = "The application chose an id that another upload has."


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """Holds a new upload and its offset in bytes.

    The offset is None while a final upload waits for its parts.
    """

    upload: Upload
    offset: int | None
    expires_at: float | None
    complete: bool = False
    challenge: bytes | None = None
    """Nonce of a challenge that may be answered, 32 bytes."""


async def create(
    context: UploadContext,
    caller: Caller,
    upload_id: UploadId,
    command: Create,
    body: Body,
    *,
    listener: ArrivalListener | None = None,
) -> Created:
    """Create an upload with the bytes of the body, and finish it if those are all.

    A refused upload leaves nothing that can be resumed. If its body was still arriving, its row
    stays and says that it was refused: the listener may have sent its address to the client.

    Args: upload_id: a new id of random bits, or that of the command's key. listener: follows a body
        that is still arriving.
    Raises: TypeNotAllowed, MaxSizeExceeded, StorageFull, QuotaExceeded, TooManyFiles,
        TooManyUploads, LengthExceeded, LengthConflict, InvalidConcatenation, TooManyParts,
        PartialNotFinished, PartRemoved, UploadNotFound (a part), HookRefused, HookUnavailable, and
        what ``append`` raises.
    Source: tus 1.0.0, creation, creation-with-upload, creation-defer-length, concatenation.
    """
    try:
        if not command.challenge or command.has_body or context.policy.ownership_proofs is None:
            return await _create(context, caller, upload_id, command, body, listener=listener)
        async with padded_to_quantum(context.clock):
            created = await _create(context, caller, upload_id, command, body, listener=listener)
            return replace(created, challenge=await challenge(context, created.upload))
    except UploadExists as error:
        # Both creations found the id free, perhaps at two servers: a client repeats one that has
        # not ended, or an application chose one id twice.
        if command.key is not None:
            raise UploadLocked from error
        raise HookRefused(_ID_TAKEN) from error


async def _create(
    context: UploadContext,
    caller: Caller,
    upload_id: UploadId,
    command: Create,
    body: Body,
    *,
    listener: ArrivalListener | None,
) -> Created:
    upload = _planned(context, caller, upload_id, command)
    if command.kind is UploadKind.FINAL:
        return await _create_final(context, upload, command)
    _check_fits(context, upload, command)
    upload = await _run_pre_create_hook(context, upload, command)
    complete = await create_complete(context, upload)
    if complete is not None:
        return await _created_complete(context, complete, command, body)
    is_complete = command.completes or (command.completes is None and upload.length == 0)
    if not command.has_body and not is_complete:
        expires_at = await context.batcher.run(_create_empty_program(context, upload))
        _count(context, upload)
        return Created(upload=upload, offset=0, expires_at=expires_at)
    chosen = upload.id != upload_id or command.key is not None
    return await _create_with_body(
        context, upload, command, body, listener=listener, id_is_chosen=chosen
    )


async def _create_with_body(
    context: UploadContext,
    upload: Upload,
    command: Create,
    body: Body,
    *,
    listener: ArrivalListener | None,
    id_is_chosen: bool,
) -> Created:
    checksum = command.checksum if command.has_body else None
    session = WriteSession(context, upload, checksum, new=True, completes=command.completes)
    source = body if command.has_body else None
    if source is not None:
        await context.wait_for_credit(upload.user_id)
    try:
        if id_is_chosen:
            # The file decides between two creations with one id, before the second one could
            # interrupt the body of the first one by taking the lock.
            await context.threads.call(context.run, _open_program(context, session))
        async with context.exclusive(upload.id) as cancel:
            opening = _open_program(context, session)
            appended = await receive(context, upload.id, opening, source, cancel, listener=listener)
    except _REFUSALS as error:
        # The client gets no answer with the address, so the upload cannot be resumed.
        await context.threads.call(_forget, context, session, error)
        raise
    except UploadExists as error:
        if session.was_opened:
            # The other one is complete without bytes, so the file is that of this session.
            await context.threads.call(_forget, context, session, error)
        raise
    finally:
        if session.is_open:
            await context.threads.body(session.close)
        # A body that had arrived may be refused before its upload is registered; it counts too.
        context.counts.created += session.was_opened
    context.remember(upload)
    return Created(
        upload=upload,
        offset=appended.offset,
        expires_at=appended.expires_at,
        complete=appended.complete,
    )


def _open_program(context: UploadContext, session: WriteSession) -> Program[WriteSession]:
    """Create the upload's file, unless it is open already, if the disk has room for it."""
    yield from ()
    if not session.is_open:
        context.check_disk(session.upload)
        session.open()
    return session


async def _created_complete(
    context: UploadContext, upload: Upload, command: Create, body: Body
) -> Created:
    _count(context, upload)
    context.counts.finished += 1
    context.counts.instant += 1
    context.counts.instant_bytes += upload.size
    if command.has_body:
        # The body is read to its end: a browser whose POST breaks off creates further uploads
        # (measured: six of them).
        await discard(context, body)
    return Created(upload=upload, offset=upload.size, expires_at=None, complete=True)


def _planned(
    context: UploadContext, caller: Caller, upload_id: UploadId, command: Create
) -> Upload:
    upload = Upload(
        id=upload_id,
        user_id=caller.user_id,
        tenant=caller.tenant,
        priority=caller.priority,
        length=command.length,
        protocol=command.protocol,
        completes_at_length=completes_at_length(command),
        kind=command.kind,
        metadata_header=command.metadata_header,
        metadata=command.metadata,
        target=command.target,
        concat_header=command.concat_header,
        parts=command.parts,
        declared_hash=command.declared_hash,
        sha256=command.sha256,
        wants_sha256=command.wants_sha256,
        created_at=context.clock.now(),
    )
    if command.kind is not UploadKind.PARTIAL:
        _check_metadata(context, upload)
    return upload


def _check_metadata(context: UploadContext, upload: Upload) -> None:
    """Check what the metadata say of the file. Raises: TypeNotAllowed, ProfileNotAllowed."""
    check_name(upload.filename, context.policy.allowed_extensions)
    _check_profile(upload, context.policy.profiles)


def _check_profile(upload: Upload, offered: Collection[str]) -> None:
    """Check the profile that the client chose, if the deployment offers profiles.

    Raises: ProfileNotAllowed: it is not offered.
    """
    chosen = upload.metadata.get(PROFILE_KEY)
    if offered and chosen is not None and chosen.decode("utf-8", "replace") not in offered:
        raise ProfileNotAllowed


async def _run_pre_create_hook(context: UploadContext, upload: Upload, command: Create) -> Upload:
    """Call the hook after all other rules and before anything is created.

    It is called for parts too, so that no byte is kept of what the application refuses.

    Returns: the upload as the application changed it; the rules hold for that too.
    Raises: HookRefused, HookUnavailable, TypeNotAllowed, ProfileNotAllowed.
    """
    if context.before_create is None:
        return upload
    change = await context.before_create(upload, command.request)
    if change is None:
        return upload
    if change.metadata is not None:
        upload = _with_metadata(upload, change.metadata)
        if upload.kind is not UploadKind.PARTIAL:
            _check_metadata(context, upload)
    if change.id is not None and not command.keeps_id:
        if await context.threads.call(context.catalog.uploads.get, change.id) is not None:
            raise HookRefused(_ID_TAKEN)
        upload = replace(upload, id=change.id)
    return upload


def _with_metadata(upload: Upload, metadata: Mapping[str, str]) -> Upload:
    """Return the upload with other metadata. Raises: HookUnavailable: they can't be metadata."""
    try:
        header = metadata_header(metadata)
        return replace(upload, metadata_header=header or None, metadata=parse_metadata(header))
    except (ValueError, ProtocolError, MetadataTooLarge) as error:
        raise HookUnavailable("The application's metadata can't be used.") from error


def _check_fits(context: UploadContext, upload: Upload, command: Create) -> None:
    length = command.body_length if command.has_body else 0
    if length is None:
        return
    if upload.length is not None and length > upload.length:
        raise LengthExceeded(upload.length)
    if context.policy.max_size is not None and length > context.policy.max_size:
        raise MaxSizeExceeded(context.policy.max_size)


async def _create_final(context: UploadContext, upload: Upload, command: Create) -> Created:
    upload = await plan_final(context, upload)
    upload = await _run_pre_create_hook(context, upload, command)
    expires_at = await context.batcher.run(_create_empty_program(context, upload))
    _count(context, upload)
    try:
        done = await complete_final(context, upload.id)
    except StorageFull as error:
        # The client never gets the address, so it cannot resume when there is room.
        await reject(context, upload, error)
        raise
    if done:
        return Created(upload=upload, offset=upload.length, expires_at=None, complete=True)
    return Created(upload=upload, offset=None, expires_at=expires_at)


def _create_empty_program(context: UploadContext, upload: Upload) -> Program[float | None]:
    """Create the file, then its row: a crash in between leaves a file that ``gc`` finds.

    Returns: when the upload expires unless a byte arrives, in unix seconds.
    """
    context.check_disk(upload)
    context.stores.uploads.create(upload.id)
    try:
        yield from commit(lambda catalog: catalog.uploads.add(upload, context.policy.quota))
    except (QuotaExceeded, TooManyFiles, TooManyUploads, UploadExists):
        # An upload that has the id in the catalog, and no file, is complete without bytes.
        context.stores.uploads.delete(upload.id)
        raise
    yield from context.begun_program(upload)
    return context.expires_at(upload, touched_at=upload.created_at)


def _forget(context: UploadContext, session: WriteSession, error: TusdError) -> None:
    upload = session.upload
    if session.registered:
        drop(context, upload, UploadState.REJECTED, type(error))
    else:
        context.running_hashes.drop(upload.id)
        context.stores.uploads.delete(upload.id)


def _count(context: UploadContext, upload: Upload) -> None:
    context.counts.created += 1
    context.remember(upload)
