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
from tusd_py.uploads.body import Body, Drained, End, Interruption
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.finish import behind, catch_up_early, finish, finish_now, settle
from tusd_py.uploads.programs import Steps, commit
from tusd_py.uploads.session import Reception
from tusd_py.uploads.terminate import reject

log = logging.getLogger(__name__)

LANE_CATCH_UP_BYTES: Final = 1 << 20
"""Who must read back more for the hash (after a restart) does not keep the lane waiting."""
PROGRESS_INTERVAL_SECONDS: Final = 0.5
"""Arrival is shown at most so often, and only when the whole percent changes (requirement S7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """How far an upload is. Offset in bytes, ``expires_at`` unix seconds (UTC)."""

    offset: int
    expires_at: float | None
    spared: int = 0
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

    open: Callable[[], Steps[Reception | Appended]]
    record: Callable[[], None] | None = None


async def store_body(
    room: UploadRoom,
    upload_id: UploadId,
    opening: Opening,
    body: Body | None,
    interruption: Interruption,
) -> Appended:
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
            return await _store_whole(room, opening, content or b"")
        return await _store_stream(room, opening, body, interruption)
    except StorageDamaged:
        # The disk may have lost bytes that the hash has seen: it is made anew from the file.
        room.followers.drop(upload_id)
        raise
    except BackendError:
        # It may have been at its last byte, which the client need not send again.
        room.late.add(upload_id)
        raise
    except ChecksumMismatch:
        room.counts.refused[ChecksumMismatch.code] += 1
        raise
    except (HashMismatch, TypeMismatch) as error:
        upload = await room.threads.call(room.catalog.upload, upload_id)
        if upload is None:
            room.counts.refused[error.code] += 1
        else:
            await reject(room, upload, error)
        raise


# -- a body that is here


@dataclass(frozen=True, slots=True)
class _Stored:
    """``full``: whether it is to be finished; ``first``: what ``finish_now`` said, if it was asked."""

    upload: Upload
    appended: Appended
    full: bool = False
    finished: bool = False
    first: bool | None = None


async def _store_whole(room: UploadRoom, opening: Opening, content: bytes | bytearray) -> Appended:
    try:
        stored = await room.lane.run(_store(room, opening, content))
    except (ChecksumMismatch, HashMismatch, TypeMismatch):
        room.counts.received_bytes += len(content)
        raise
    if isinstance(stored, Appended):
        return stored
    room.counts.received_bytes += len(content)
    toll = room.toll(stored.upload.user_id)
    if toll is not None and content:
        await toll.pay(len(content))
    if stored.finished:
        await settle(room, stored.upload, first=stored.first)
    elif stored.full:
        await finish(room, stored.upload)
    return stored.appended


def _store(
    room: UploadRoom, opening: Opening, content: bytes | bytearray
) -> Steps[_Stored | Appended]:
    reception = yield from opening.open()
    if isinstance(reception, Appended):
        return reception
    drained = Drained(len(content), End.COMPLETE)
    try:
        if content:
            yield from reception.admit(len(content))
            reception.take((memoryview(content),))
    except BaseException:
        reception.break_off()
        raise
    yield from reception.end(drained)
    _judge(room, reception, drained, interruption=None)
    upload, appended = reception.upload, _appended(room, reception)
    if reception.full:
        if behind(room, upload) > LANE_CATCH_UP_BYTES:
            return _Stored(upload, appended, full=True)
        first = yield from finish_now(room, upload, record=opening.record, head=reception.head)
        return _Stored(upload, appended, full=True, finished=True, first=first)
    if opening.record is not None:
        yield from commit(opening.record)
        yield from room.begun(upload)
    return _Stored(upload, appended)


def _appended(room: UploadRoom, reception: Reception) -> Appended:
    expires_at = None if reception.full else room.expires_at(reception.upload)
    return Appended(offset=reception.offset, expires_at=expires_at)


# -- a body that is on its way


def _open(room: UploadRoom, opening: Opening) -> Steps[Reception | Appended]:
    reception = yield from opening.open()
    if isinstance(reception, Appended) or opening.record is None:
        return reception
    try:
        yield from commit(opening.record)
    except BaseException:
        reception.close()
        raise
    reception.recorded = True
    yield from room.begun(reception.upload)
    return reception


async def _store_stream(
    room: UploadRoom, opening: Opening, body: Body, interruption: Interruption
) -> Appended:
    reception = await room.threads.call(room.run, _open(room, opening))
    if isinstance(reception, Appended):
        return reception
    try:
        drained = await _drain(room, reception, body, interruption)
        await room.threads.sync(room.run, reception.end(drained))
    finally:
        if reception.is_open:
            await room.threads.body(reception.close)
    log.debug(
        "upload.body.ended",
        extra={
            "upload_id": reception.upload.id,
            "end": drained.end.value,
            "bytes": drained.taken,
        },
    )
    _judge(room, reception, drained, interruption=interruption)
    if not reception.full:
        return await room.threads.call(_appended, room, reception)
    await finish(room, reception.upload)
    return Appended(offset=reception.offset, expires_at=None)


async def _drain(
    room: UploadRoom, reception: Reception, body: Body, interruption: Interruption
) -> Drained:
    catch_up_early(room, reception.upload, reception.start)
    arrival = _Arrival(room, reception.upload, reception.start)
    try:
        return await body.drain(
            reception.take,
            limit=_room_left(room, reception.upload, reception.start),
            idle_timeout=room.policy.idle_timeout,
            min_rate=room.policy.min_rate,
            interruption=interruption,
            on_progress=arrival.moved,
            toll=room.toll(reception.upload.user_id),
        )
    except TusdError:
        await room.threads.body(reception.break_off)
        raise
    finally:
        room.counts.received_bytes += max(0, reception.offset - reception.start)
        await arrival.finished()


def _room_left(room: UploadRoom, upload: Upload, offset: int) -> int | None:
    bound = upload.length if upload.length is not None else room.policy.max_size
    return None if bound is None else bound - offset


def _judge(
    room: UploadRoom,
    reception: Reception,
    drained: Drained,
    *,
    interruption: Interruption | None,
) -> None:
    """Raise what the client is to be told; an upload that is full is its own answer."""
    upload = reception.upload
    if reception.full and drained.end is not End.OVERRUN:
        return
    match drained.end:
        case End.COMPLETE:
            if not reception.verified:
                raise ChecksumMismatch(offset=reception.start)
        case End.DISCONNECTED:
            raise ClientDisconnected
        case End.TIMED_OUT:
            raise BodyTimeout
        case End.STOPPED:
            if interruption is not None and interruption.shutting_down:
                raise ShuttingDown
            room.counts.taken_over += 1
            raise UploadLocked
        case End.OVERRUN:
            if upload.length is not None:
                raise LengthExceeded(upload.length)
            raise MaxSizeExceeded(room.policy.max_size or 0)


class _Arrival:
    """Shows a task's arrival, 0→10 by offset (requirement S7), without slowing the body."""

    def __init__(self, room: UploadRoom, upload: Upload, start: int) -> None:
        self._room = room
        self._upload = upload
        self._start = start
        self._shown = self._progress(start)
        self._shown_at = room.clock.monotonic()
        self._task: asyncio.Task[None] | None = None

    def _progress(self, offset: int) -> int:
        length = self._upload.length
        return RECEIVED_PROGRESS * offset // length if length else 0

    def moved(self, taken: int) -> None:
        """So many bytes of this body are in the store."""
        offset = self._start + taken
        progress = self._progress(offset)
        now = self._room.clock.monotonic()
        waiting = self._task is not None and not self._task.done()
        if progress <= self._shown or waiting or now - self._shown_at < PROGRESS_INTERVAL_SECONDS:
            return
        self._shown, self._shown_at = progress, now
        change = TaskChange(status=TaskStatus.PENDING, progress=progress)
        self._task = asyncio.ensure_future(
            self._room.threads.call(self._room.show, self._upload, offset, change)
        )

    async def finished(self) -> None:
        """Wait for what is being shown, so that nothing older follows something newer."""
        if self._task is not None:
            await self._task
