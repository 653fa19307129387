"""Finishing an upload: bytes durable, hash known, one transaction, then the answer.

The last 204 goes out after the transaction (decisions 2 and 5), with one exception:
when this process did not see the upload from its first byte (it was restarted) and more than
``CATCH_UP_NOW_BYTES`` are still to be read back for the hash, and no hash was declared that would
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
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.programs import Steps, commit
from tusd_py.uploads.session import read_head
from tusd_py.uploads.terminate import reject

log = logging.getLogger(__name__)

CATCH_UP_NOW_BYTES: Final = 256 << 20
"""Read back before the answer: a tenth of a second at 3 GiB/s from the page cache."""
CATCH_UP_IN_CALL_BYTES: Final = 8 << 20
"""Read back by one of the threads that all calls share."""
CATCH_UP_SLICE_SECONDS: Final = 0.25
"""Length of the slices in which more is read back, in a thread of their own, in turn with other uploads'."""
CATCH_UP_EARLY_BYTES: Final = 8 << 20
"""A hash that is further behind starts catching up while the rest still arrives."""

REFUSALS: Final = (HashMismatch, TypeMismatch, MaxSizeExceeded, QuotaExceeded)
"""A final upload can never be finished for these."""

_background: set[asyncio.Task[None]] = set()


async def finish(room: UploadRoom, upload: Upload) -> None:
    """Finish a full upload whose bytes are durable; the caller holds its lock.

    Raises: HashMismatch: not what was declared (the caller drops it); TypeMismatch,
        TypeNotAllowed under a whitelist; BackendError: the catalog can't be reached, the upload
        stays complete and is finished by the next attempt.
    """
    unread = behind(room, upload)
    if unread > CATCH_UP_IN_CALL_BYTES and not _may_follow(upload, unread):
        await _catch_up_in_slices(room, upload)
    first = await room.threads.call(room.run, finish_now(room, upload))
    await settle(room, upload, first=first)


def _may_follow(upload: Upload, unread: int) -> bool:
    """Whether the hash may follow the answer."""
    return unread > CATCH_UP_NOW_BYTES and upload.declared_hash is None


def finish_now(
    room: UploadRoom,
    upload: Upload,
    *,
    record: Callable[[], None] | None = None,
    head: Callable[[], bytes] | None = None,
) -> Steps[bool | None]:
    """``finish``, as far as it blocks; the caller then lets ``settle`` know.

    Args: record: is called in the finishing transaction, first; head: what ``read_head`` would find,
        from who has just written it.
    Returns: whether it was done for the first time; None: the hash is too far behind.
    """
    unread = behind(room, upload)
    if _may_follow(upload, unread):
        return None
    if unread:
        _catch_up(room, upload)
    return (yield from _finish_in_catalog(room, upload, record, head))


def behind(room: UploadRoom, upload: Upload) -> int:
    """Bytes of a full upload that this process has not hashed."""
    return upload.size - room.follower(upload).hashed


async def settle(room: UploadRoom, upload: Upload, *, first: bool | None) -> None:
    """What follows ``finish_now``."""
    if first is None:
        _in_background(_finish_later(room, upload))
        return
    room.counts.finished += first
    room.followers.drop(upload.id)
    if upload.kind is UploadKind.PARTIAL:
        for final in await room.threads.call(room.catalog.finals_of, upload.id):
            await _complete_waiting(room, final)


def catch_up_early(room: UploadRoom, upload: Upload, offset: int) -> None:
    """Start re-reading what this process has not hashed, while the rest is still on its way."""
    if offset - room.follower(upload).hashed > CATCH_UP_EARLY_BYTES:
        _in_background(_catch_up_quietly(room, upload))


async def _catch_up_quietly(room: UploadRoom, upload: Upload) -> None:
    try:
        await _catch_up_in_slices(room, upload)
    except (TusdError, OSError):
        # The finish reads on, and raises what goes wrong.
        log.info("upload.hash.catch_up.stopped", extra={"upload_id": upload.id})


async def _finish_later(room: UploadRoom, upload: Upload) -> None:
    try:
        await _catch_up_in_slices(room, upload)
        if not room.closing:
            await _finish_received(room, upload.id)
    except UploadError:
        log.info("upload.finish.overtaken", extra={"upload_id": upload.id})
    except Exception:
        log.exception("upload.finish.failed", extra={"upload_id": upload.id})


async def _catch_up_in_slices(room: UploadRoom, upload: Upload) -> None:
    while await room.threads.long(_catch_up, room, upload, CATCH_UP_SLICE_SECONDS):
        pass


def _catch_up(room: UploadRoom, upload: Upload, seconds: float = math.inf) -> bool:
    """Read on for the hash until it is level. Returns: whether its time was up before."""
    follower = room.follower(upload)
    before, until = follower.read_again, time.monotonic() + seconds

    def stopped() -> bool:
        return room.closing or (follower.read_again > before and time.monotonic() > until)

    try:
        level = follower.catch_up(lambda: room.stores.core.offset(upload.id), stopped)
    finally:
        room.followers.caught_up(follower.read_again - before)
    if not level and (room.closing or follower.read_again == before):
        raise ShuttingDown
    return not level


async def _finish_received(room: UploadRoom, upload_id: UploadId, *, sync: bool = False) -> bool:
    """Finish an upload that is complete and still open, under its lock: the transaction may remove
    the bytes that a HEAD or a PATCH counts. Return whether it was finished now.

    Args: sync: make its bytes durable first.
    """
    async with room.lock.hold(upload_id, on_release_requested=lambda: None):
        upload = await room.threads.call(room.catalog.upload, upload_id)
        if upload is None or upload.state is not UploadState.RECEIVING:
            return False
        try:
            if sync:
                await room.threads.sync(_sync, room, upload)
            await _catch_up_in_slices(room, upload)
            first = await room.threads.call(room.run, _finish_in_catalog(room, upload))
        except (HashMismatch, TypeMismatch) as error:
            await reject(room, upload, error)
            return False
        await settle(room, upload, first=first)
    return True


async def complete_final(room: UploadRoom, upload_id: UploadId) -> bool:
    """Assemble and finish a final upload if all its parts are there; whether it was done now.

    Raises: what ``assemble`` and ``finish`` raise; by one of ``REFUSALS`` it is rejected and closed.
    """
    async with room.lock.hold(upload_id, on_release_requested=lambda: None):
        upload = await room.threads.call(room.catalog.upload, upload_id)
        if upload is None or upload.state is not UploadState.RECEIVING:
            return False
        try:
            assembled = await assemble(room, upload)
            if assembled is None:
                return False
            await finish(room, assembled)
        except REFUSALS as error:
            await reject(room, upload, error)
            raise
    return True


async def _complete_waiting(room: UploadRoom, final: Upload) -> None:
    """A final upload's trouble is not its part's."""
    try:
        await complete_final(room, final.id)
    except REFUSALS as error:
        log.info("upload.final.rejected", extra={"upload_id": final.id, "code": error.code})
    except Exception:
        log.exception("upload.assemble.failed", extra={"upload_id": final.id})


def _finish_in_catalog(
    room: UploadRoom,
    upload: Upload,
    record: Callable[[], None] | None = None,
    head: Callable[[], bytes] | None = None,
) -> Steps[bool]:
    """Verify what was declared, then the one transaction; False if it had been done before."""
    file_hash = room.follower(upload).hexdigest(upload.size)
    if upload.declared_hash is not None and upload.declared_hash != file_hash:
        raise HashMismatch
    if upload.kind is UploadKind.PARTIAL:

        def part() -> None:
            if record is not None:
                record()
            room.catalog.finish_partial(upload.id, file_hash)

        yield from commit(part)
        return True
    path = room.stores.core.path(upload.id)
    seen = read_head(path) if head is None else head()
    look = look_into(path, seen)
    check_content(upload.filename, look, room.policy.allowed_extensions)
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

    def finish() -> Finished:
        if record is not None:
            record()
        return room.catalog.finish_upload(content, is_video=family == "video")

    finished = yield from commit(finish)
    log.info("upload.finished", extra={"upload_id": upload.id, "bytes": upload.length})
    yield from _show_finished(room, replace(upload, file_hash=file_hash), finished)
    return finished.first


def _show_finished(room: UploadRoom, upload: Upload, finished: Finished) -> Steps[None]:
    if finished.file is None:
        change = TaskChange(status=TaskStatus.RECEIVED, progress=RECEIVED_PROGRESS)
        yield from room.shown(upload, upload.length or 0, change)
        room.wake_relay()
        return
    yield from room.shown(upload, upload.length or 0, completed(finished.file))
    # The pool holds the content: the temporary file is gone before the answer (requirement S2).
    room.stores.core.delete(upload.id)
    yield from commit(lambda: room.catalog.source_removed(upload.id))


def completed(file: File) -> TaskChange:
    """What followers are told when the pool holds the content already (requirement S2)."""
    return TaskChange(
        status=TaskStatus.COMPLETED,
        progress=COMPLETED_PROGRESS,
        message=TEXT_INSTANT,
        oss_path=file.path,
        repository_id=file.identity,
    )


async def recover(room: UploadRoom) -> int:
    """Finish what is complete but unfinished, once each (fault 7): a crash, a database that was away
    at the last byte, or a stopped catch-up left it so. Looks at every open upload: at start.

    Returns: how many.
    """
    finished = 0
    for upload_id in await room.threads.call(room.catalog.receiving):
        if room.closing:
            break
        finished += await recover_one(room, upload_id)
    return finished


async def recover_one(room: UploadRoom, upload_id: UploadId) -> bool:
    """Finish an upload if it is complete, under its lock; whether it was finished now."""
    try:
        return await _recover_one(room, upload_id)
    except UploadNotFound:
        log.info("upload.data.missing", extra={"upload_id": upload_id})
    except REFUSALS as error:
        log.info("upload.final.rejected", extra={"upload_id": upload_id, "code": error.code})
    except Exception:
        # Whatever is wrong with one upload, the recovery of the others goes on.
        log.exception("upload.recover.failed", extra={"upload_id": upload_id})
    return False


async def _recover_one(room: UploadRoom, upload_id: UploadId) -> bool:
    upload, full = await room.threads.call(_is_full, room, upload_id)
    if upload is not None and upload.kind is UploadKind.FINAL:
        return await complete_final(room, upload_id)
    return full and await _finish_received(room, upload_id, sync=True)


def _is_full(room: UploadRoom, upload_id: UploadId) -> tuple[Upload | None, bool]:
    upload = room.catalog.upload(upload_id)
    if upload is None or upload.kind is UploadKind.FINAL or upload.length is None:
        return upload, False
    return upload, room.stores.core.offset(upload_id) == upload.length


def _sync(room: UploadRoom, upload: Upload) -> None:
    with room.stores.core.writer(upload.id, length=upload.length) as writer:
        writer.sync()


def _in_background(work: Coroutine[None, None, None]) -> None:
    task = asyncio.ensure_future(work)
    _background.add(task)
    task.add_done_callback(_background.discard)
