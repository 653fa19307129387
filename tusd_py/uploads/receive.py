"""Receives a body into its upload, and finishes the upload once it is complete.

A body that has arrived already (a small one, in the packet of its request's head) takes one thread
hop, in a batch with others. A body that is still arriving takes a hop to open the upload, one for
each slice, one to end and one to finish.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

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
from tusd_py.uploads.arrival import ArrivalListener
from tusd_py.uploads.body import Body, CancelToken, DrainEnd, DrainResult
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import after_finish, finish, finish_program
from tusd_py.uploads.programs import Program, commit
from tusd_py.uploads.rehash import REHASH_EARLY_BYTES, start_rehash
from tusd_py.uploads.session import WriteSession
from tusd_py.uploads.terminate import reject

log = logging.getLogger(__name__)

BATCH_REREAD_BYTES: Final = 1 << 20
"""Uploads that must re-read more than this to rebuild their hash after a restart are finished
outside the batch, as are those that need a SHA-256."""
PROGRESS_INTERVAL_SECONDS: Final = 0.5
"""Shortest time between two progress events of arrival, which also need another full percent
(requirement S7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendResult:
    """Holds the state of an upload after a PATCH.

    ``offset`` is in bytes, ``expires_at`` in unix seconds (UTC).
    """

    offset: int
    expires_at: float | None
    complete: bool = False
    skipped_bytes: int = 0
    """Bytes that need not be sent, since the upload was completed by its hash."""
    challenge: bytes | None = None
    """Nonce of a challenge that the client may answer, 32 bytes."""


async def receive(
    context: UploadContext,
    upload_id: UploadId,
    opening: Program[WriteSession | AppendResult],
    body: Body | None,
    cancel: CancelToken,
    *,
    listener: ArrivalListener | None = None,
) -> AppendResult:
    """Write a body into its upload, and finish the upload if it is complete then.

    The caller holds the upload's lock.

    Args: opening: returns an open session, or the answer if no byte is needed. body: None: there is
        none. listener: follows a body that is still arriving.
    Raises: what ``opening`` and ``finish`` raise; ChecksumMismatch, LengthExceeded, LengthConflict,
        MaxSizeExceeded, QuotaExceeded, BodyTimeout, ClientDisconnected, UploadLocked, ShuttingDown,
        StorageFull, StorageDamaged, TypeMismatch, MalformedHeader and UnsupportedChecksumAlgorithm
        (of a checksum that follows the body). The bytes that arrived before the error are kept,
        save those of an unverified chunk.
    Source: tus 1.0.0, PATCH; checksum.
    """
    content = b"" if body is None else body.whole()
    try:
        if body is None or content is not None:
            content = content or b""
            try:
                stored = await context.batcher.run(_write_whole_program(context, opening, content))
            except (ChecksumMismatch, HashMismatch, TypeMismatch):
                context.counts.received_bytes += len(content)
                raise
            return await _end_whole(context, stored, content)
        session = await context.threads.call(context.run, _open_program(context, opening))
        if isinstance(session, AppendResult):
            return session
        try:
            if listener is not None:
                await listener.on_begun(session.upload)
            drained = await _drain(context, session, body, cancel, listener)
            await context.threads.sync(context.run, session.finish_body_program(drained))
        finally:
            if session.is_open:
                await context.threads.body(session.close)
        log.debug(
            "upload.body.ended",
            extra={"upload_id": upload_id, "end": drained.end.value, "bytes": drained.received},
        )
        _raise_for_outcome(context, session, drained, cancel=cancel)
        if not session.is_complete:
            return await context.threads.call(_result, context, session)
        await finish(context, session.upload)
        return AppendResult(offset=session.offset, expires_at=None, complete=True)
    except TusdError as error:
        await _after_error(context, upload_id, error)
        raise


async def _after_error(context: UploadContext, upload_id: UploadId, error: TusdError) -> None:
    """Do what an error of a body makes necessary: forget a hash, count, or reject the upload."""
    match error:
        case StorageDamaged():
            # The disk may have lost bytes that the hash has seen: it must be computed from the
            # file.
            context.running_hashes.drop(upload_id)
        case BackendError():
            # The last byte may have arrived, which the client need not send again.
            context.unsettled.add(upload_id)
        case ChecksumMismatch():
            context.counts.refused[error.code] += 1
        case HashMismatch() | TypeMismatch():
            upload = await context.threads.call(context.catalog.uploads.get, upload_id)
            if upload is None:
                context.counts.refused[error.code] += 1
            else:
                await reject(context, upload, error)


# -- a body that has arrived


@dataclass(frozen=True, slots=True)
class _StoredWhole:
    """Holds the outcome of a body that had arrived.

    ``complete``: the upload must be finished; ``finished``: ``finish_program`` has run, and
    ``first`` is what it returned.
    """

    upload: Upload
    result: AppendResult
    complete: bool = False
    finished: bool = False
    first: bool | None = None


async def _end_whole(
    context: UploadContext, stored: _StoredWhole | AppendResult, content: bytes | bytearray
) -> AppendResult:
    """Count the body, and finish its upload if it is complete."""
    if isinstance(stored, AppendResult):
        return stored
    context.counts.received_bytes += len(content)
    throttle = context.throttle(stored.upload.user_id)
    if throttle is not None and content:
        await throttle.consume(len(content))
    if stored.finished:
        await after_finish(context, stored.upload, first=stored.first)
    elif stored.complete:
        await finish(context, stored.upload)
    return stored.result


def _write_whole_program(
    context: UploadContext,
    opening: Program[WriteSession | AppendResult],
    content: bytes | bytearray,
) -> Program[_StoredWhole | AppendResult]:
    session = yield from opening
    if isinstance(session, AppendResult):
        return session
    drained = DrainResult(len(content), DrainEnd.COMPLETE)
    try:
        if content:
            yield from session.reserve_program(len(content))
            session.write((memoryview(content),))
    except BaseException:
        session.abort()
        raise
    yield from session.finish_body_program(drained)
    _raise_for_outcome(context, session, drained, cancel=None)
    upload, result = session.upload, _result(context, session)
    finishes_outside = result.complete and (
        upload.needs_sha256 or session.unhashed_bytes > BATCH_REREAD_BYTES
    )
    if result.complete and not finishes_outside:
        first = yield from finish_program(context, upload, session)
        return _StoredWhole(upload, result, complete=True, finished=True, first=first)
    if not session.registered:
        yield from commit(session.register)
        yield from context.begun_program(upload)
    return _StoredWhole(upload, result, complete=finishes_outside)


def _result(context: UploadContext, session: WriteSession) -> AppendResult:
    complete = session.is_complete
    expires_at = None if complete else context.expires_at(session.upload)
    return AppendResult(offset=session.offset, expires_at=expires_at, complete=complete)


# -- a body that is still arriving


def _open_program(
    context: UploadContext, opening: Program[WriteSession | AppendResult]
) -> Program[WriteSession | AppendResult]:
    """Open the session; a new upload is registered before its first byte."""
    session = yield from opening
    if isinstance(session, AppendResult) or session.registered:
        return session
    try:
        yield from commit(session.register)
    except BaseException:
        session.close()
        raise
    yield from context.begun_program(session.upload)
    return session


async def _drain(
    context: UploadContext,
    session: WriteSession,
    body: Body,
    cancel: CancelToken,
    listener: ArrivalListener | None,
) -> DrainResult:
    upload, start = session.upload, session.start_offset
    if context.unhashed_bytes(upload, start) > REHASH_EARLY_BYTES:
        start_rehash(context, upload)
    arrival = ArrivalProgress(context, upload, start, listener if session.counts_at_once else None)
    try:
        return await body.drain(
            session.write,
            limit=_remaining(context, upload, start),
            idle_timeout=context.policy.idle_timeout,
            min_rate=context.policy.min_rate,
            cancel=cancel,
            on_progress=arrival.on_bytes,
            throttle=context.throttle(upload.user_id),
        )
    except TusdError:
        await context.threads.body(session.abort)
        raise
    finally:
        context.counts.received_bytes += max(0, session.offset - start)
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
    """Raise the error that the client gets, if there is one. A complete upload is a success."""
    upload = session.upload
    if session.is_complete and drained.end is not DrainEnd.TOO_LONG:
        return
    match drained.end:
        case DrainEnd.COMPLETE:
            session.check_end()
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
    """Publishes the progress of arrival, 0 to 10 by offset (requirement S7).

    The body does not wait for it.
    """

    def __init__(
        self,
        context: UploadContext,
        upload: Upload,
        start: int,
        listener: ArrivalListener | None = None,
    ) -> None:
        self._context = context
        self._listener = listener
        self._upload = upload
        self._start = start
        self._shown = self._progress(start)
        self._shown_at = context.clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def _progress(self, offset: int) -> int:
        length = self._upload.length
        return RECEIVED_PROGRESS * offset // length if length else 0

    def on_bytes(self, taken: int) -> None:
        """Publish the progress if due: ``taken`` bytes of this body are in the store."""
        offset = self._start + taken
        if self._context.on_bytes is not None:
            self._context.on_bytes(self._upload, offset)
        if self._listener is not None:
            self._listener.on_stored(offset)
        progress = self._progress(offset)
        now = self._context.clock.monotonic()
        waiting = self._task is not None and not self._task.done()
        if progress <= self._shown or waiting or now - self._shown_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._shown, self._shown_at = progress, now
        change = TaskChange(status=TaskStatus.PENDING, progress=progress, offset=offset)
        self._task = asyncio.ensure_future(
            self._context.threads.call(self._context.publish, self._upload, offset, change)
        )

    async def close(self) -> None:
        """Wait for the event that is being published, so that no older one follows a newer one."""
        if self._task is not None:
            await self._task
