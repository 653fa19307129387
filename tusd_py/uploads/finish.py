"""Finishing an upload: bytes durable, hash known, one transaction, then the answer.

The last 204 goes out after the transaction (decisions 2 and 5), with one exception:
when this process did not see the upload from its first byte (it was restarted) and more than
``REHASH_NOW_BYTES`` are still to be read back for the hash, and no hash was declared that would
have to be checked, then the answer goes out as soon as the bytes are durable, and the transaction
follows when the hash is known. Nothing can be lost in between: a complete upload in state
``receiving`` is finished by ``recover`` after a crash.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Final

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.values import Finished
from tusd_py.domain.errors import (
    HashMismatch,
    MaxSizeExceeded,
    QuotaExceeded,
    ShuttingDown,
    TusdError,
    TypeMismatch,
    UploadError,
    UploadNotFound,
)
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.job_lane import lane_of
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.task import (
    COMPLETED_PROGRESS,
    RECEIVED_PROGRESS,
    TEXT_INSTANT,
    TaskChange,
    TaskStatus,
)
from tusd_py.domain.type_rules import check_content
from tusd_py.domain.upload import FinishedContent, Upload, UploadKind, UploadState
from tusd_py.file_pieces import look_into
from tusd_py.uploads.concatenate import assemble
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.programs import Program, commit
from tusd_py.uploads.session import read_head
from tusd_py.uploads.terminate import reject

log = logging.getLogger(__name__)

REHASH_NOW_BYTES: Final = 256 << 20
"""Read back before the answer: a tenth of a second at 3 GiB/s from the page cache."""
REHASH_IN_CALL_BYTES: Final = 8 << 20
"""Read back by one of the threads that all calls share."""
REHASH_SLICE_SECONDS: Final = 0.25
"""Length of the slices in which more is read back, in a thread of their own, in turn with other uploads'."""
REHASH_EARLY_BYTES: Final = 8 << 20
"""A hash that is further behind starts catching up while the rest still arrives."""

REFUSALS: Final = (HashMismatch, TypeMismatch, MaxSizeExceeded, QuotaExceeded)
"""A final upload can never be finished for these."""

_background: set[asyncio.Task[None]] = set()


async def finish(context: UploadContext, upload: Upload) -> None:
    """Finish a full upload whose bytes are durable; the caller holds its lock.

    Raises: HashMismatch: not what was declared (the caller drops it); TypeMismatch,
        TypeNotAllowed under a whitelist; BackendError: the catalog can't be reached, the upload
        stays complete and is finished by the next attempt.
    """
    unread = unhashed_bytes(context, upload)
    if unread > REHASH_IN_CALL_BYTES and not _may_finish_later(upload, unread):
        await _rehash_in_slices(context, upload)
    first = await context.threads.call(context.run, finish_program(context, upload))
    await after_finish(context, upload, first=first)


def _may_finish_later(upload: Upload, unread: int) -> bool:
    """Whether the hash may follow the answer."""
    return unread > REHASH_NOW_BYTES and upload.declared_hash is None


def finish_program(
    context: UploadContext,
    upload: Upload,
    *,
    record: Callable[[Catalog], None] | None = None,
    head: Callable[[], bytes] | None = None,
) -> Program[bool | None]:
    """``finish``, as far as it blocks; the caller then lets ``settle`` know.

    Args: record: is called in the finishing transaction, first; head: what ``read_head`` would find,
        from who has just written it.
    Returns: whether it was done for the first time; None: the hash is too far behind.
    """
    unread = unhashed_bytes(context, upload)
    if _may_finish_later(upload, unread):
        return None
    if unread:
        _rehash(context, upload)
    return (yield from _finish_in_catalog(context, upload, record, head))


def unhashed_bytes(context: UploadContext, upload: Upload) -> int:
    """Bytes of a full upload that this process has not hashed."""
    return upload.size - context.running_hash(upload).hashed


async def after_finish(context: UploadContext, upload: Upload, *, first: bool | None) -> None:
    """What follows ``finish_program``."""
    if first is None:
        _in_background(_finish_later(context, upload))
        return
    context.counts.finished += first
    context.running_hashes.drop(upload.id)
    if upload.kind is UploadKind.PARTIAL:
        for final in await context.threads.call(context.catalog.uploads.finals_of, upload.id):
            await _complete_waiting(context, final)


def start_rehash_early(context: UploadContext, upload: Upload, offset: int) -> None:
    """Start re-reading what this process has not hashed, while the rest is still on its way."""
    if offset - context.running_hash(upload).hashed > REHASH_EARLY_BYTES:
        _in_background(_rehash_and_log(context, upload))


async def _rehash_and_log(context: UploadContext, upload: Upload) -> None:
    try:
        await _rehash_in_slices(context, upload)
    except (TusdError, OSError):
        # The finish reads on, and raises what goes wrong.
        log.info("upload.hash.catch_up.stopped", extra={"upload_id": upload.id})


async def _finish_later(context: UploadContext, upload: Upload) -> None:
    try:
        await _rehash_in_slices(context, upload)
        if not context.closing:
            await _finish_received(context, upload.id)
    except UploadError:
        log.info("upload.finish.overtaken", extra={"upload_id": upload.id})
    except Exception:
        log.exception("upload.finish.failed", extra={"upload_id": upload.id})


async def _rehash_in_slices(context: UploadContext, upload: Upload) -> None:
    while await context.threads.long(_rehash, context, upload, REHASH_SLICE_SECONDS):
        pass


def _rehash(context: UploadContext, upload: Upload, seconds: float = math.inf) -> bool:
    """Read on for the hash until it is level. Returns: whether its time was up before."""
    follower = context.running_hash(upload)
    before, until = follower.reread_bytes, time.monotonic() + seconds

    def stopped() -> bool:
        return context.closing or (follower.reread_bytes > before and time.monotonic() > until)

    try:
        level = follower.catch_up(lambda: context.stores.uploads.offset(upload.id), stopped)
    finally:
        context.running_hashes.caught_up(follower.reread_bytes - before)
    if not level and (context.closing or follower.reread_bytes == before):
        raise ShuttingDown
    return not level


async def _finish_received(
    context: UploadContext, upload_id: UploadId, *, sync: bool = False
) -> bool:
    """Finish an upload that is complete and still open, under its lock: the transaction may remove
    the bytes that a HEAD or a PATCH counts. Return whether it was finished now.

    Args: sync: make its bytes durable first.
    """
    async with context.lock.hold(upload_id, on_release_requested=lambda: None):
        upload = await context.threads.call(context.catalog.uploads.get, upload_id)
        if upload is None or upload.state is not UploadState.RECEIVING:
            return False
        try:
            if sync:
                await context.threads.sync(_sync, context, upload)
            await _rehash_in_slices(context, upload)
            first = await context.threads.call(context.run, _finish_in_catalog(context, upload))
        except (HashMismatch, TypeMismatch) as error:
            await reject(context, upload, error)
            return False
        await after_finish(context, upload, first=first)
    return True


async def complete_final(context: UploadContext, upload_id: UploadId) -> bool:
    """Assemble and finish a final upload if all its parts are there; whether it was done now.

    Raises: what ``assemble`` and ``finish`` raise; by one of ``REFUSALS`` it is rejected and closed.
    """
    async with context.lock.hold(upload_id, on_release_requested=lambda: None):
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
    """A final upload's trouble is not its part's."""
    try:
        await complete_final(context, final.id)
    except REFUSALS as error:
        log.info("upload.final.rejected", extra={"upload_id": final.id, "code": error.code})
    except Exception:
        log.exception("upload.assemble.failed", extra={"upload_id": final.id})


def _finish_in_catalog(
    context: UploadContext,
    upload: Upload,
    record: Callable[[Catalog], None] | None = None,
    head: Callable[[], bytes] | None = None,
) -> Program[bool]:
    """Verify what was declared, then the one transaction; False if it had been done before."""
    file_hash = context.running_hash(upload).hexdigest(upload.size)
    if upload.declared_hash is not None and upload.declared_hash != file_hash:
        raise HashMismatch
    if upload.kind is UploadKind.PARTIAL:

        def part(catalog: Catalog) -> None:
            if record is not None:
                record(catalog)
            catalog.uploads.finish_partial(upload.id, file_hash)

        yield from commit(part)
        return True
    path = context.stores.uploads.path(upload.id)
    seen = read_head(path) if head is None else head()
    look = look_into(path, seen)
    check_content(upload.filename, look, context.policy.allowed_extensions)
    kind = identify(look)
    family = "" if kind is None else kind.family
    content = FinishedContent(
        upload_id=upload.id,
        user_id=upload.user_id,
        scope=owner_scope(upload.user_id),
        filename=upload.filename,
        filetype=upload.filetype,
        file_hash=file_hash,
        file_size=upload.size,
        temp_path=str(path),
        created_at=upload.created_at,
        lane=lane_of(family, upload.size),
        priority=upload.priority,
    )

    def finish(catalog: Catalog) -> Finished:
        if record is not None:
            record(catalog)
        return catalog.uploads.finish(content, is_video=family == "video")

    finished = yield from commit(finish)
    log.info("upload.finished", extra={"upload_id": upload.id, "bytes": upload.length})
    yield from _show_finished(context, replace(upload, file_hash=file_hash), finished)
    return finished.first


def _show_finished(context: UploadContext, upload: Upload, finished: Finished) -> Program[None]:
    if finished.file is None:
        change = TaskChange(status=TaskStatus.RECEIVED, progress=RECEIVED_PROGRESS)
        yield from context.published_task(upload, upload.length or 0, change)
        context.wake_relay()
        return
    yield from context.published_task(upload, upload.length or 0, instant_completion(finished.file))
    # The pool holds the content: the temporary file is gone before the answer (requirement S2).
    context.stores.uploads.delete(upload.id)
    yield from commit(lambda catalog: catalog.uploads.source_removed(upload.id))


def instant_completion(file: File) -> TaskChange:
    """What followers are told when the pool holds the content already (requirement S2)."""
    return TaskChange(
        status=TaskStatus.COMPLETED,
        progress=COMPLETED_PROGRESS,
        message=TEXT_INSTANT,
        oss_path=file.path,
        repository_id=file.identity,
    )


async def recover(context: UploadContext) -> int:
    """Finish what is complete but unfinished, once each (fault 7): a crash, a database that was away
    at the last byte, or a stopped catch-up left it so. Looks at every open upload: at start.

    Returns: how many.
    """
    finished = 0
    for upload_id in await context.threads.call(context.catalog.uploads.receiving):
        if context.closing:
            break
        finished += await recover_one(context, upload_id)
    return finished


async def recover_one(context: UploadContext, upload_id: UploadId) -> bool:
    """Finish an upload if it is complete, under its lock; whether it was finished now."""
    try:
        return await _recover_one(context, upload_id)
    except UploadNotFound:
        log.info("upload.data.missing", extra={"upload_id": upload_id})
    except REFUSALS as error:
        log.info("upload.final.rejected", extra={"upload_id": upload_id, "code": error.code})
    except Exception:
        # Whatever is wrong with one upload, the recovery of the others goes on.
        log.exception("upload.recover.failed", extra={"upload_id": upload_id})
    return False


async def _recover_one(context: UploadContext, upload_id: UploadId) -> bool:
    upload, full = await context.threads.call(_is_full, context, upload_id)
    if upload is not None and upload.kind is UploadKind.FINAL:
        return await complete_final(context, upload_id)
    return full and await _finish_received(context, upload_id, sync=True)


def _is_full(context: UploadContext, upload_id: UploadId) -> tuple[Upload | None, bool]:
    upload = context.catalog.uploads.get(upload_id)
    if upload is None or upload.kind is UploadKind.FINAL or upload.length is None:
        return upload, False
    return upload, context.stores.uploads.offset(upload_id) == upload.length


def _sync(context: UploadContext, upload: Upload) -> None:
    with context.stores.uploads.writer(upload.id, length=upload.length) as writer:
        writer.sync()


def _in_background(work: Coroutine[None, None, None]) -> None:
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_background.discard)
