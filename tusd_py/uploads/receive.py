"""A body into the store: bytes to the file, to the running hash and to the chunk's checksum."""

import asyncio
import hmac
import logging
import os
from collections.abc import Sequence

from tusd_py.domain.commands import Checksum, LateChecksum
from tusd_py.domain.errors import (
    BodyTimeout,
    ChecksumMismatch,
    ClientDisconnected,
    LengthExceeded,
    MaxSizeExceeded,
    ProtocolError,
    ShuttingDown,
    TusdError,
    UploadLocked,
)
from tusd_py.domain.filetypes import check_content
from tusd_py.domain.task import RECEIVED_PROGRESS, TaskChange, TaskStatus
from tusd_py.domain.upload import Upload
from tusd_py.hashing import checksums
from tusd_py.hashing.follower import Follower
from tusd_py.stores.port import Rewind, Writer
from tusd_py.uploads.body import Body, Drained, End, Interruption
from tusd_py.uploads.room import UploadRoom

log = logging.getLogger(__name__)

SNIFF_BYTES = 4096
"""A file's type is looked at as soon as so many bytes are there (S24)."""
PROGRESS_INTERVAL_SECONDS = 0.5
"""Arrival is shown at most so often, and only when the whole percent changes (S7)."""


class _Reception:
    """The sink of one body: called in worker threads, one call at a time."""

    def __init__(
        self,
        room: UploadRoom,
        upload: Upload,
        writer: Writer,
        checksum: Checksum | LateChecksum | None,
    ) -> None:
        self._upload = upload
        self._allowed = room.policy.allowed_extensions
        self._path = room.stores.core.path(upload.id)
        self._writer = writer
        self._follower: Follower = room.follower(upload)
        self._rewind = room.stores.rewind if checksum is not None else None
        self._start = writer.offset
        self._checksum = checksum
        self._digest = checksums.new(checksum.algorithm) if isinstance(checksum, Checksum) else None
        self._sniffed = writer.offset >= SNIFF_BYTES or not self._allowed

    def begin(self) -> None:
        """Before the first byte: an unverified chunk is marked as such."""
        if self._rewind is not None:
            self._rewind.begin_unverified(self._writer)
            self._follower.mark()

    def take(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Bytes to the file first, then to the hash: the file is the truth."""
        start = self._writer.offset
        self._writer.write(chunks)
        self._follower.feed(start, chunks)
        if self._digest is not None:
            for chunk in chunks:
                self._digest.update(chunk)
        if not self._sniffed and self._writer.offset >= SNIFF_BYTES:
            self._sniffed = True
            check_content(self._upload.filename, read_head(self._path), self._allowed)

    def end(self, *, complete: bool, sync: bool) -> bool:
        """After the last byte; whether what came counts.

        Raises: ProtocolError: a checksum that was to follow did not come, or can't be used; what
            came does not count.
        """
        verified = True
        if self._rewind is not None:
            try:
                verified = complete and self._matches()
            except ProtocolError:
                self._take_back(self._rewind)
                raise
            if verified:
                self._rewind.keep(self._writer)
                self._follower.settle()
            else:
                self._take_back(self._rewind)
        if sync:
            self._writer.sync()
        return verified

    def _matches(self) -> bool:
        if self._checksum is None:
            return True
        if isinstance(self._checksum, Checksum) and self._digest is not None:
            return hmac.compare_digest(self._digest.digest(), self._checksum.digest)
        # A late one: its algorithm was unknown while the bytes came.
        late = self._checksum if isinstance(self._checksum, Checksum) else self._checksum()
        digest = checksums.of_range(self._path, late.algorithm, self._start, self._writer.offset)
        return hmac.compare_digest(digest, late.digest)

    def _take_back(self, rewind: Rewind) -> None:
        rewind.discard(self._writer)
        self._follower.rewind()


def read_head(path: os.PathLike[str]) -> bytes:
    """The first 64 KiB of a file, by which its type is told."""
    with open(path, "rb") as file:  # noqa: PTH123  (one call less on a warm path)
        return file.read(1 << 16)


async def receive(
    room: UploadRoom,
    upload: Upload,
    writer: Writer,
    body: Body,
    *,
    checksum: Checksum | LateChecksum | None,
    interruption: Interruption,
) -> int:
    """Move a body into the upload; the caller holds its lock.

    Returns: the new offset in bytes, also when the upload is full but its client went away.
    Raises: ChecksumMismatch, LengthExceeded, MaxSizeExceeded, BodyTimeout, ClientDisconnected,
        UploadLocked, ShuttingDown, StorageFull, StorageDamaged, TypeMismatch, MalformedHeader and
        UnsupportedChecksumAlgorithm (of a checksum that follows the body). Whatever is raised,
        the bytes that had arrived are kept, save those of an unverified chunk.
    Source: tus 1.0.0, PATCH; checksum.
    """
    start = writer.offset
    reception = _Reception(room, upload, writer, checksum)
    arrival = _Arrival(room, upload, start)
    await room.threads.body(reception.begin)
    limit = _room_left(room, upload, start)
    sync = room.policy.durability == "strict"
    try:
        drained = await body.drain(
            reception.take,
            limit=limit,
            idle_timeout=room.policy.idle_timeout,
            min_rate=room.policy.min_rate,
            interruption=interruption,
            on_progress=arrival.moved,
        )
    except TusdError:
        await room.threads.body(reception.end, complete=False, sync=False)
        raise
    finally:
        room.counts.received_bytes += writer.offset - start
        await arrival.finished()
    if drained.end is End.OVERRUN:
        await room.threads.body(_forget_body, room, upload, writer, start)
    complete = drained.end is End.COMPLETE
    verified = await room.threads.body(reception.end, complete=complete, sync=sync)
    log.debug(
        "upload.body.ended",
        extra={"upload_id": upload.id, "end": drained.end.value, "bytes": drained.taken},
    )
    full = verified and writer.offset == upload.length
    if not full or drained.end is End.OVERRUN:
        _judge(room, upload, drained, interruption=interruption, verified=verified, start=start)
    return writer.offset


def _forget_body(room: UploadRoom, upload: Upload, writer: Writer, start: int) -> None:
    """A body that is too long counts for nothing: its prefix could pass for the whole file."""
    writer.truncate(start)
    room.followers.drop(upload.id)


def _room_left(room: UploadRoom, upload: Upload, offset: int) -> int | None:
    bound = upload.length if upload.length is not None else room.policy.max_size
    return None if bound is None else bound - offset


def _judge(
    room: UploadRoom,
    upload: Upload,
    drained: Drained,
    *,
    interruption: Interruption,
    verified: bool,
    start: int,
) -> None:
    match drained.end:
        case End.COMPLETE:
            if not verified:
                room.counts.refused[ChecksumMismatch.code] += 1
                raise ChecksumMismatch(offset=start)
        case End.DISCONNECTED:
            raise ClientDisconnected
        case End.TIMED_OUT:
            raise BodyTimeout
        case End.STOPPED:
            if interruption.shutting_down:
                raise ShuttingDown
            room.counts.taken_over += 1
            raise UploadLocked
        case End.OVERRUN:
            if upload.length is not None:
                raise LengthExceeded(upload.length)
            raise MaxSizeExceeded(room.policy.max_size or 0)


class _Arrival:
    """Shows a task's arrival, 0→10 by offset (S7), without slowing the body."""

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
