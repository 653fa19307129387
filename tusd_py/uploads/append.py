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
from tusd_py.uploads.body import Body, CancelToken
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.instant import append_to_complete, declare_hash
from tusd_py.uploads.ownership_proof import challenge, padded_to_quantum, prove
from tusd_py.uploads.programs import Program, read
from tusd_py.uploads.receive import AppendResult, Opening, store_body
from tusd_py.uploads.session import WriteSession


async def append(
    context: UploadContext, user_id: UserId, command: Append, body: Body
) -> AppendResult:
    """Append a body at an offset; after the last byte the upload is finished and is a job.

    A holder of the upload is made to let go first, with every byte that had arrived.
    Raises: UploadNotFound, UploadExpired, UploadTerminated, FinalUploadImmutable, OffsetMismatch,
        LengthConflict, HashConflict, LengthExceeded, MaxSizeExceeded, UploadLocked, and what ``store_body``
        raises. Before any byte is stored: nothing was changed.
    Source: tus 1.0.0, PATCH.
    """
    # Before the lock: a stranger must not make anybody let go.
    known = await context.owner_of(user_id, command.upload_id)
    if known.kind is UploadKind.FINAL:
        raise FinalUploadImmutable
    if known.instant:
        offset = await append_to_complete(context, user_id, command, body)
        return AppendResult(offset=offset, expires_at=None)
    if command.proof is not None:
        appended = await prove(context, user_id, command)
    else:
        appended = await _store(context, user_id, command, body)
    if appended.skipped_bytes:
        context.counts.finished += 1
        context.counts.instant += 1
        context.counts.instant_bytes += appended.skipped_bytes
    return appended


async def _store(
    context: UploadContext, user_id: UserId, command: Append, body: Body
) -> AppendResult:
    if not command.challenge or context.policy.ownership_proofs is None:
        return await _store_body(context, user_id, command, body)
    async with padded_to_quantum(context.clock):
        appended = await _store_body(context, user_id, command, body)
        upload = await context.find(user_id, command.upload_id)
        return replace(appended, challenge=await challenge(context, upload))


async def _store_body(
    context: UploadContext, user_id: UserId, command: Append, body: Body
) -> AppendResult:
    if command.body_length != 0:
        await context.wait_for_credit(user_id)
    cancel = CancelToken()
    async with context.lock.hold(command.upload_id, on_release_requested=cancel.cancel):
        with context.body_under_way(cancel):
            return await store_body(
                context,
                command.upload_id,
                Opening(open=lambda: _open(context, user_id, command)),
                None if command.body_length == 0 else body,
                cancel,
            )


def _open(
    context: UploadContext, user_id: UserId, command: Append
) -> Program[WriteSession | AppendResult]:
    """Under the lock: check the request against the upload as it is now, and open it."""
    upload = yield from read(lambda catalog: context.read(user_id, command.upload_id, catalog))
    finished = upload.state is UploadState.FINISHED
    offset = _offset(context, upload)
    if upload.instant and command.offset <= offset:
        # Completed by its hash at another server, or a moment ago.
        return AppendResult(offset=offset, expires_at=None)
    if command.offset != offset:
        raise OffsetMismatch(current=offset, given=command.offset)
    if command.declared_length is not None:
        declared = command.declared_length
        if upload.length not in (None, declared) or declared < offset:
            raise LengthConflict
    _check_fits(context, upload, command, offset)
    if finished:
        return AppendResult(offset=offset, expires_at=None)
    upload = _with_length(context, upload, command)
    if command.declared_hash is not None and upload.kind is UploadKind.REGULAR:
        upload = declare_hash(context, upload, command.declared_hash)
        if upload.instant:
            return AppendResult(
                offset=upload.size, expires_at=None, skipped_bytes=upload.size - offset
            )
    return WriteSession.start(
        context, upload, None if command.body_length == 0 else command.checksum
    )


def _offset(context: UploadContext, upload: Upload) -> int:
    offset = context.offset(upload)
    if upload.state is UploadState.FINISHED:
        return offset
    expires_at = context.expires_at(upload)
    if expires_at is not None and expires_at < context.clock.now():
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


def _with_length(context: UploadContext, upload: Upload, command: Append) -> Upload:
    if command.declared_length is None or upload.length is not None:
        return upload
    if not context.catalog.uploads.declare_length(
        upload, command.declared_length, context.policy.quota
    ):
        raise LengthConflict
    return replace(upload, length=command.declared_length)
