"""Appends bytes to uploads."""

from dataclasses import replace

from tusd_py.domain.commands import Append, completes_at_length
from tusd_py.domain.errors import (
    FinalUploadImmutable,
    LengthConflict,
    LengthExceeded,
    MaxSizeExceeded,
    OffsetMismatch,
    UploadComplete,
    UploadExpired,
)
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadProtocol, UploadState
from tusd_py.uploads.arrival import ArrivalListener
from tusd_py.uploads.body import Body
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.instant import append_to_complete, declare_hash
from tusd_py.uploads.ownership_proof import challenge, padded_to_quantum, prove
from tusd_py.uploads.programs import Program, read
from tusd_py.uploads.receive import AppendResult, receive
from tusd_py.uploads.session import WriteSession
from tusd_py.uploads.terminate import reject


async def append(
    context: UploadContext,
    user_id: UserId,
    command: Append,
    body: Body,
    *,
    listener: ArrivalListener | None = None,
) -> AppendResult:
    """Append a body at an offset; after the last byte the upload is finished and is a job.

    Another request that holds the upload is interrupted first; every byte that it received is kept.

    Raises: UploadNotFound, UploadExpired, UploadTerminated, FinalUploadImmutable, OffsetMismatch,
        UploadComplete, LengthConflict, LengthExceeded, MaxSizeExceeded: nothing was changed, unless
        the command says that an overrun ends the upload. HashConflict: a length
        that the request declares may be set. UploadLocked, and what ``receive`` raises.
    Source: tus 1.0.0, PATCH.
    """
    # Before the lock: a request of another user must not interrupt the upload.
    known = await context.known_upload(user_id, command.upload_id)
    if known.kind is UploadKind.FINAL:
        raise FinalUploadImmutable
    if known.instant and command.protocol is UploadProtocol.TUS:
        offset = await append_to_complete(context, user_id, command, body)
        return AppendResult(offset=offset, expires_at=None)
    if command.proof is not None:
        appended = await prove(context, user_id, command)
    else:
        challenged = command.challenge and context.policy.ownership_proofs is not None
        if command.body_length != 0:
            await context.wait_for_credit(user_id)
        if not challenged:
            appended = await _receive(context, user_id, command, body, listener)
        else:
            async with padded_to_quantum(context.clock):
                appended = await _receive(context, user_id, command, body, listener)
                upload = await context.find(user_id, command.upload_id)
                appended = replace(appended, challenge=await challenge(context, upload))
    if appended.skipped_bytes:
        context.counts.finished += 1
        context.counts.instant += 1
        context.counts.instant_bytes += appended.skipped_bytes
    return appended


async def _receive(
    context: UploadContext,
    user_id: UserId,
    command: Append,
    body: Body,
    listener: ArrivalListener | None,
) -> AppendResult:
    upload_id = command.upload_id
    source = None if command.body_length == 0 else body
    async with context.exclusive(upload_id) as cancel:
        opening = open_program(context, user_id, command)
        try:
            return await receive(context, upload_id, opening, source, cancel, listener=listener)
        except LengthExceeded as error:
            if command.overrun_ends:
                await reject(context, await context.find(user_id, upload_id), error)
            raise


def open_program(
    context: UploadContext, user_id: UserId, command: Append
) -> Program[WriteSession | AppendResult]:
    """Check the request against the upload as it is now, and open it. Runs under its lock."""
    upload = yield from read(lambda catalog: context.read(user_id, command.upload_id, catalog))
    finished = upload.state is UploadState.FINISHED
    offset = _offset(context, upload)
    if finished and command.protocol is UploadProtocol.IETF:
        return _answer_of_complete(command, offset)
    if upload.instant and command.offset <= offset:
        # It was completed by its hash at another server, or a moment ago.
        return AppendResult(offset=offset, expires_at=None)
    if command.offset != offset:
        raise OffsetMismatch(current=offset, given=command.offset)
    declared = _declared_length(command, offset)
    if declared is not None and (upload.length not in (None, declared) or declared < offset):
        raise LengthConflict
    _check_fits(context, upload, command, offset)
    if finished:
        return AppendResult(offset=offset, expires_at=None, complete=True)
    upload = _with_length(context, upload, declared)
    if command.declared_hash is not None and upload.kind is UploadKind.REGULAR:
        upload = declare_hash(context, upload, command.declared_hash)
        if upload.instant:
            return AppendResult(
                offset=upload.size,
                expires_at=None,
                complete=True,
                skipped_bytes=upload.size - offset,
            )
    # Last, since a request that is refused says nothing.
    upload = _with_completeness(context, upload, command)
    checksum = None if command.body_length == 0 else command.checksum
    session = WriteSession(context, upload, checksum, completes=command.completes)
    session.open()
    return session


def _with_completeness(context: UploadContext, upload: Upload, command: Append) -> Upload:
    """Record what the request says, so that a crash behind the last byte can't lose its word.

    Some clients take an upload for complete by its offset, and never say it again.
    """
    if upload.protocol is UploadProtocol.TUS:
        return upload
    at_length = completes_at_length(command)
    if at_length == upload.completes_at_length:
        return upload
    context.catalog.uploads.set_completes_at_length(upload.id, at_length)
    return replace(upload, completes_at_length=at_length)


def _answer_of_complete(command: Append, offset: int) -> AppendResult:
    """Answer the end of a finished upload once more: the client may have lost the first answer.

    Raises: UploadComplete: it is no such request, or its version of the draft has no repetition.
    """
    is_end = command.completes and command.offset == offset and command.body_length == 0
    if not (command.repeats and is_end):
        raise UploadComplete
    return AppendResult(offset=offset, expires_at=None, complete=True)


def _declared_length(command: Append, offset: int) -> int | None:
    """Return the length that the request states, or that follows from its last body.

    Raises: LengthConflict: they differ.
    """
    if not command.completes or command.body_length is None:
        return command.declared_length
    end = offset + command.body_length
    if command.declared_length not in (None, end):
        raise LengthConflict("The last body must end at the upload's length.")
    return end


def _offset(context: UploadContext, upload: Upload) -> int:
    offset = context.offset(upload)
    if upload.state is UploadState.FINISHED:
        return offset
    if context.is_expired(upload):
        raise UploadExpired
    return offset


def _check_fits(context: UploadContext, upload: Upload, command: Append, offset: int) -> None:
    length = command.declared_length if upload.length is None else upload.length
    if command.body_length is None:
        return
    end = offset + command.body_length
    if length is not None and end > length:
        raise LengthExceeded(length)
    if context.policy.max_size is not None and end > context.policy.max_size:
        raise MaxSizeExceeded(context.policy.max_size)


def _with_length(context: UploadContext, upload: Upload, declared: int | None) -> Upload:
    if declared is None or upload.length is not None:
        return upload
    if not context.catalog.uploads.declare_length(upload, declared, context.policy.quota):
        raise LengthConflict
    return replace(upload, length=declared)
