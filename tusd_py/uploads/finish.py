"""Finishes uploads: bytes durable, hash known, one transaction, then the answer.

The last 204 goes out after the transaction (decisions 2 and 5), with one exception:
when this process did not see the upload from its first byte (it was restarted) and more than
``REHASH_NOW_BYTES`` are still to be read back for the hash, and no hash was declared that would
have to be checked, then the answer goes out as soon as the bytes are durable, and the transaction
follows when the hash is known. Nothing can be lost in between: a complete upload in state
``receiving`` is finished by ``recovery`` after a crash. An upload that the draft of the IETF began
is always answered after the transaction, since its answer has what came of it.
"""

import logging
from functools import partial
from typing import Final

from tusd_py.catalog.port import Repositories
from tusd_py.catalog.values import Finished
from tusd_py.domain.errors import (
    HashMismatch,
    MaxSizeExceeded,
    PartRemoved,
    QuotaExceeded,
    TypeMismatch,
    UploadError,
)
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.job_lane import lane_of
from tusd_py.domain.signatures.head_reader import HEAD_BYTES, HeadReader
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.task import (
    COMPLETED_PROGRESS,
    RECEIVED_PROGRESS,
    TEXT_INSTANT,
    TaskChange,
    TaskStatus,
)
from tusd_py.domain.type_rules import check_content
from tusd_py.domain.upload import FinishedContent, Upload, UploadKind, UploadProtocol, UploadState
from tusd_py.uploads.concatenate import assemble
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.programs import Program, commit
from tusd_py.uploads.rehash import REHASH_IN_CALL_BYTES, rehash, rehash_in_slices
from tusd_py.uploads.session import WriteSession
from tusd_py.uploads.terminate import reject
from tusd_py.uploads.whole_digest import settle_sha256

log = logging.getLogger(__name__)

_RECEIVED: Final = TaskChange(status=TaskStatus.RECEIVED, progress=RECEIVED_PROGRESS)
REHASH_NOW_BYTES: Final = 256 << 20
"""Most bytes that are re-read before the answer: 0.1 s at 3 GiB/s from the page cache."""
REFUSALS: Final = (HashMismatch, TypeMismatch, MaxSizeExceeded, QuotaExceeded, PartRemoved)
"""Errors for which a final upload can never be finished."""


async def finish(context: UploadContext, upload: Upload) -> None:
    """Finish a full upload whose bytes are durable; the caller holds its lock.

    Raises: HashMismatch: not what was declared (the caller drops it); TypeMismatch: its content is
        not what its name may mean, under a whitelist; BackendError: the catalog can't be reached,
        the upload stays complete and is finished by the next attempt.
    """
    await settle_sha256(context, upload)
    unread = context.unhashed_bytes(upload, upload.size)
    if unread > REHASH_IN_CALL_BYTES and not _may_finish_later(upload, unread):
        await rehash_in_slices(context, upload)
    first = await context.threads.call(context.run, finish_program(context, upload))
    await after_finish(context, upload, first=first)


def _may_finish_later(upload: Upload, unread: int) -> bool:
    """Return whether the hash may be computed after the answer."""
    recovers = upload.protocol is UploadProtocol.TUS and upload.declared_hash is None
    return recovers and unread > REHASH_NOW_BYTES


def finish_program(
    context: UploadContext, upload: Upload, session: WriteSession | None = None
) -> Program[bool | None]:
    """Do the blocking part of ``finish``; the caller then calls ``after_finish``.

    Args: session: that of the last body, which may have the first bytes in memory; a new upload
        that it has not registered yet is registered in the finishing transaction.
    Returns: whether the upload was finished for the first time; None: too much must be re-read for
        the hash, so the finish must follow the answer.
    """
    unread = context.unhashed_bytes(upload, upload.size)
    if _may_finish_later(upload, unread):
        return None
    if unread:
        rehash(context, upload)
    return (yield from _commit_program(context, upload, session))


async def after_finish(context: UploadContext, upload: Upload, *, first: bool | None) -> None:
    """Update counters and final uploads after ``finish_program``, which returned ``first``."""
    if first is None:
        context.background.start("finish", _finish_later(context, upload))
        return
    context.counts.finished += first
    context.running_hashes.drop(upload.id)
    if upload.kind is UploadKind.PARTIAL:
        for final in await context.threads.call(context.catalog.uploads.finals_of, upload.id):
            await _complete_waiting(context, final)


async def _finish_later(context: UploadContext, upload: Upload) -> None:
    try:
        await rehash_in_slices(context, upload)
        if not context.closing:
            await finish_received(context, upload.id)
    except UploadError:
        log.info("upload.finish.overtaken", extra={"upload_id": upload.id})
    except Exception:
        log.exception("upload.finish.failed", extra={"upload_id": upload.id})


async def finish_received(
    context: UploadContext, upload_id: UploadId, *, sync: bool = False
) -> bool:
    """Finish an upload that is complete and still receiving, under its lock.

    The lock is needed since the transaction may remove the bytes that a HEAD or a PATCH counts.

    Args: sync: make the upload's bytes durable first.
    Returns: whether it was finished now.
    """
    async with context.locked(upload_id):
        upload = await context.threads.call(context.catalog.uploads.get, upload_id)
        if upload is None or upload.state is not UploadState.RECEIVING:
            return False
        if not upload.completes_at_length:  # A request has said meanwhile that the upload goes on.
            return False
        try:
            if sync:
                await context.threads.sync(_sync, context, upload)
            await settle_sha256(context, upload)
            await rehash_in_slices(context, upload)
            first = await context.threads.call(context.run, _commit_program(context, upload))
        except (HashMismatch, TypeMismatch) as error:
            await reject(context, upload, error)
            return False
        await after_finish(context, upload, first=first)
    return True


def _sync(context: UploadContext, upload: Upload) -> None:
    with context.stores.uploads.writer(upload.id, length=upload.length) as writer:
        writer.sync()


async def complete_final(context: UploadContext, upload_id: UploadId) -> bool:
    """Assemble and finish a final upload if all its parts are finished.

    Returns: whether it was done now.
    Raises: what ``assemble`` and ``finish`` raise; after one of ``REFUSALS`` it is rejected and
        closed.
    """
    async with context.locked(upload_id):
        upload = await context.threads.call(context.catalog.uploads.get, upload_id)
        if upload is None or upload.state is not UploadState.RECEIVING:
            return False
        try:
            assembled = await assemble(context, upload)
            if assembled is None:
                return False
            await finish(context, assembled)
        except REFUSALS as error:
            await reject(context, upload, error)
            raise
    return True


async def _complete_waiting(context: UploadContext, final: Upload) -> None:
    """Complete a final upload; its errors are logged, since the part itself is finished."""
    try:
        await complete_final(context, final.id)
    except REFUSALS as error:
        log.info("upload.final.rejected", extra={"upload_id": final.id, "code": error.code})
    except Exception:
        log.exception("upload.assemble.failed", extra={"upload_id": final.id})


def _commit_program(
    context: UploadContext, upload: Upload, session: WriteSession | None = None
) -> Program[bool]:
    """Verify the declared hash, then finish the upload in one transaction.

    Returns: False if it was finished before.
    """
    file_hash = context.running_hash(upload).hexdigest(upload.size)
    if upload.declared_hash is not None and upload.declared_hash != file_hash:
        raise HashMismatch
    new = None if session is None or session.registered else session
    if upload.kind is UploadKind.PARTIAL:

        def part(catalog: Repositories) -> None:
            if new is not None:
                new.register(catalog)
            catalog.uploads.finish_partial(upload.id, file_hash)

        yield from commit(part)
        return True
    read = partial(context.read_bytes, upload.id)
    head = read(0, HEAD_BYTES) if session is None else session.first_bytes()
    look = HeadReader(head, upload.size, read)
    filename = upload.filename
    check_content(filename, look, context.policy.allowed_extensions)
    kind = identify(look)
    family = "" if kind is None else kind.family
    content = FinishedContent(
        upload_id=upload.id,
        user_id=upload.user_id,
        scope=owner_scope(upload.user_id),
        filename=filename,
        filetype=upload.filetype,
        file_hash=file_hash,
        file_size=upload.size,
        temp_path=context.stores.uploads.location(upload.id),
        created_at=upload.created_at,
        lane=lane_of(family, upload.size),
        priority=upload.priority,
    )

    def finish(catalog: Repositories) -> Finished:
        if new is not None:
            return new.register_finished(catalog, content, is_video=family == "video")
        return catalog.uploads.finish(content, is_video=family == "video")

    finished = yield from commit(finish)
    log.info("upload.finished", extra={"upload_id": upload.id, "bytes": upload.length})
    yield from _notify_program(context, upload, file_hash, finished.file)
    return finished.first


def _notify_program(
    context: UploadContext, upload: Upload, file_hash: str, file: File | None
) -> Program[None]:
    if file is None:
        yield from context.task_program(upload, upload.size, _RECEIVED, file_hash)
        context.wake_workers()
        return
    yield from context.task_program(upload, upload.size, instant_completion(file), file_hash)
    # The pool holds the content: the temporary file is removed before the answer (requirement S2).
    context.stores.uploads.delete(upload.id)
    yield from commit(lambda catalog: catalog.uploads.source_removed(upload.id))


def instant_completion(file: File) -> TaskChange:
    """Return the event for an upload whose content the pool holds already (requirement S2)."""
    return TaskChange(
        status=TaskStatus.COMPLETED,
        progress=COMPLETED_PROGRESS,
        message=TEXT_INSTANT,
        oss_path=file.path,
        repository_id=file.identity,
    )
