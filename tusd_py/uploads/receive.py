"""A body into its upload, and the upload finished once it is full.

A body that has arrived already (a small one, in the packet of its head) goes through the lane, all of
its way in one hop; one that is still coming takes a thread to begin, one per slice, one to end and
one to finish.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tusd_py.catalog.port import Catalog
from tusd_py.domain.errors import (
    BackendError,
    BodyTimeout,
    ChecksumMismatch,
    ClientDisconnected,
    HashMismatch,
    LengthExceeded,
    MaxSizeExceeded,
    ShuttingDown,
    StorageDamaged,
    TusdError,
    TypeMismatch,
    UploadLocked,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.task import RECEIVED_PROGRESS, TaskChange, TaskStatus
from tusd_py.domain.upload import Upload
from tusd_py.uploads.body import Body, CancelToken, DrainEnd, DrainResult
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import (
    after_finish,
    finish,
    finish_program,
    start_rehash_early,
    unhashed_bytes,
)
from tusd_py.uploads.programs import Program, commit
from tusd_py.uploads.session import WriteSession
from tusd_py.uploads.terminate import reject

log = logging.getLogger(__name__)

BATCH_REREAD_BYTES: Final = 1 << 20
"""Who must read back more for the hash (after a restart) does not keep the lane waiting."""
PROGRESS_INTERVAL_SECONDS: Final = 0.5
"""Arrival is shown at most so often, and only when the whole percent changes (requirement S7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendResult:
    """How far an upload is. Offset in bytes, ``expires_at`` unix seconds (UTC)."""

    offset: int
    expires_at: float | None
    skipped_bytes: int = 0
    """Bytes that need not be sent: the upload was completed by its hash."""
    challenge: bytes | None = None
    """Nonce of a challenge that may be answered, 32 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How an upload is opened for a body, in a thread and under its lock.

    ``open``: what it returns of an upload that is finished already is the answer; ``record``: tells
    the catalog of a new upload, before the first byte of a body that is still coming, and with the
    finish of one that is here.
    """

    open: Callable[[], Program[WriteSession | AppendResult]]
    record: Callable[[Catalog], None] | None = None


async def store_body(
    context: UploadContext,
    upload_id: UploadId,
    opening: Opening,
    body: Body | None,
    cancel: CancelToken,
) -> AppendResult:
    """Take the body (None: there is none) and finish the upload if it is full.

    The caller holds the lock. Raises: what ``opening`` and ``finish`` raise; ChecksumMismatch,
        LengthExceeded, MaxSizeExceeded, QuotaExceeded, BodyTimeout, ClientDisconnected, UploadLocked,
        ShuttingDown, StorageFull, StorageDamaged, TypeMismatch, MalformedHeader and
        UnsupportedChecksumAlgorithm (of a checksum that follows the body). Whatever is raised, the
        bytes that had arrived are kept, save those of an unverified chunk.
    Source: tus 1.0.0, PATCH; checksum.
    """
    content = b"" if body is None else body.whole()
    try:
        if body is None or content is not None:
            return await _store_whole(context, opening, content or b"")
        return await _store_stream(context, opening, body, cancel)
    except StorageDamaged:
        # The disk may have lost bytes that the hash has seen: it is made anew from the file.
        context.running_hashes.drop(upload_id)
        raise
    except BackendError:
        # It may have been at its last byte, which the client need not send again.
        context.unsettled.add(upload_id)
        raise
    except ChecksumMismatch:
        context.counts.refused[ChecksumMismatch.code] += 1
        raise
    except (HashMismatch, TypeMismatch) as error:
        upload = await context.threads.call(context.catalog.uploads.get, upload_id)
        if upload is None:
            context.counts.refused[error.code] += 1
        else:
            await reject(context, upload, error)
        raise


# -- a body that is here


@dataclass(frozen=True, slots=True)
class _StoredWhole:
    """``full``: whether it is to be finished; ``first``: what ``finish_program`` said, if it was asked."""

    upload: Upload
    appended: AppendResult
    full: bool = False
    finished: bool = False
    first: bool | None = None


async def _store_whole(
    context: UploadContext, opening: Opening, content: bytes | bytearray
) -> AppendResult:
    try:
        stored = await context.batcher.run(_store(context, opening, content))
    except (ChecksumMismatch, HashMismatch, TypeMismatch):
        context.counts.received_bytes += len(content)
        raise
    if isinstance(stored, AppendResult):
        return stored
    context.counts.received_bytes += len(content)
    toll = context.throttle(stored.upload.user_id)
    if toll is not None and content:
        await toll.consume(len(content))
    if stored.finished:
        await after_finish(context, stored.upload, first=stored.first)
    elif stored.full:
        await finish(context, stored.upload)
    return stored.appended


def _store(
    context: UploadContext, opening: Opening, content: bytes | bytearray
) -> Program[_StoredWhole | AppendResult]:
    session = yield from opening.open()
    if isinstance(session, AppendResult):
        return session
    drained = DrainResult(len(content), DrainEnd.COMPLETE)
    try:
        if content:
            yield from session.check_next(len(content))
            session.write((memoryview(content),))
    except BaseException:
        session.abort()
        raise
    yield from session.finish_body(drained)
    _raise_for_outcome(context, session, drained, cancel=None)
    upload, appended = session.upload, _appended(context, session)
    if session.is_complete:
        if unhashed_bytes(context, upload) > BATCH_REREAD_BYTES:
            return _StoredWhole(upload, appended, full=True)
        first = yield from finish_program(
            context, upload, record=opening.record, head=session.first_bytes
        )
        return _StoredWhole(upload, appended, full=True, finished=True, first=first)
    if opening.record is not None:
        yield from commit(opening.record)
        yield from context.notify_begun(upload)
    return _StoredWhole(upload, appended)


def _appended(context: UploadContext, session: WriteSession) -> AppendResult:
    expires_at = None if session.is_complete else context.expires_at(session.upload)
    return AppendResult(offset=session.offset, expires_at=expires_at)


# -- a body that is on its way


def _open(context: UploadContext, opening: Opening) -> Program[WriteSession | AppendResult]:
    session = yield from opening.open()
    if isinstance(session, AppendResult) or opening.record is None:
        return session
    try:
        yield from commit(opening.record)
    except BaseException:
        session.close()
        raise
    session.recorded = True
    yield from context.notify_begun(session.upload)
    return session


async def _store_stream(
    context: UploadContext, opening: Opening, body: Body, cancel: CancelToken
) -> AppendResult:
    session = await context.threads.call(context.run, _open(context, opening))
    if isinstance(session, AppendResult):
        return session
    try:
        drained = await _drain(context, session, body, cancel)
        await context.threads.sync(context.run, session.finish_body(drained))
    finally:
        if session.is_open:
            await context.threads.body(session.close)
    log.debug(
        "upload.body.ended",
        extra={
            "upload_id": session.upload.id,
            "end": drained.end.value,
            "bytes": drained.received,
        },
    )
    _raise_for_outcome(context, session, drained, cancel=cancel)
    if not session.is_complete:
        return await context.threads.call(_appended, context, session)
    await finish(context, session.upload)
    return AppendResult(offset=session.offset, expires_at=None)


async def _drain(
    context: UploadContext, session: WriteSession, body: Body, cancel: CancelToken
) -> DrainResult:
    start_rehash_early(context, session.upload, session.start_offset)
    arrival = ArrivalProgress(context, session.upload, session.start_offset)
    try:
        return await body.drain(
            session.write,
            limit=_remaining(context, session.upload, session.start_offset),
            idle_timeout=context.policy.idle_timeout,
            min_rate=context.policy.min_rate,
            cancel=cancel,
            on_progress=arrival.on_bytes,
            toll=context.throttle(session.upload.user_id),
        )
    except TusdError:
        await context.threads.body(session.abort)
        raise
    finally:
        context.counts.received_bytes += max(0, session.offset - session.start_offset)
        await arrival.close()


def _remaining(context: UploadContext, upload: Upload, offset: int) -> int | None:
    bound = upload.length if upload.length is not None else context.policy.max_size
    return None if bound is None else bound - offset


def _raise_for_outcome(
    context: UploadContext,
    session: WriteSession,
    drained: DrainResult,
    *,
    cancel: CancelToken | None,
) -> None:
    """Raise what the client is to be told; an upload that is full is its own answer."""
    upload = session.upload
    if session.is_complete and drained.end is not DrainEnd.TOO_LONG:
        return
    match drained.end:
        case DrainEnd.COMPLETE:
            if not session.verified:
                raise ChecksumMismatch(offset=session.start_offset)
        case DrainEnd.DISCONNECTED:
            raise ClientDisconnected
        case DrainEnd.TIMED_OUT:
            raise BodyTimeout
        case DrainEnd.CANCELLED:
            if cancel is not None and cancel.shutting_down:
                raise ShuttingDown
            context.counts.takeovers += 1
            raise UploadLocked
        case DrainEnd.TOO_LONG:
            if upload.length is not None:
                raise LengthExceeded(upload.length)
            raise MaxSizeExceeded(context.policy.max_size or 0)


class ArrivalProgress:
    """Shows a task's arrival, 0→10 by offset (requirement S7), without slowing the body."""

    def __init__(self, context: UploadContext, upload: Upload, start: int) -> None:
        self._context = context
        self._upload = upload
        self._start = start
        self._shown = self._progress(start)
        self._shown_at = context.clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def _progress(self, offset: int) -> int:
        length = self._upload.length
        return RECEIVED_PROGRESS * offset // length if length else 0

    def on_bytes(self, taken: int) -> None:
        """So many bytes of this body are in the store."""
        offset = self._start + taken
        progress = self._progress(offset)
        now = self._context.clock.monotonic()
        waiting = self._task is not None and not self._task.done()
        if progress <= self._shown or waiting or now - self._shown_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._shown, self._shown_at = progress, now
        change = TaskChange(status=TaskStatus.PENDING, progress=progress)
        self._task = asyncio.ensure_future(
            self._context.threads.call(self._context.publish, self._upload, offset, change)
        )

    async def close(self) -> None:
        """Wait for what is being shown, so that nothing older follows something newer."""
        if self._task is not None:
            await self._task
