"""Writes to one upload's file.

Rule 1: no copy and no joining: the chunks go to ``pwritev`` as they came, a limited number of bytes
at a time.
Rule 2: the offset moves with what the system wrote, so it is the file's length even if a write
fails half-way (faults 33, 36). A write that fails leaves no incomplete end to cut off.
Rule 3: a sync that failed is never repeated on this descriptor, and the bytes that it should have
saved are cut off at once: the kernel does not count them as dirty any longer, so a later
descriptor's sync would succeed without having written them (fault 35).
Rule 4: space is reserved before it is written (``disk_space``): what would use the reserve is not
written, what fits before it is.
"""

import ctypes
import errno
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from typing_extensions import override

from tusd_py.chunks import first_bytes
from tusd_py.domain.errors import StorageBusy, StorageDamaged, StorageFull, UploadNotFound
from tusd_py.storage import linux
from tusd_py.storage.disk_space import Reservation
from tusd_py.storage.port import Writer

log = logging.getLogger(__name__)

PUSH_BYTES: Final = 32 << 20
"""Writeback of dirty pages starts each time this number of bytes has gathered.

The sync at the end of any upload then takes 10 to 30 ms, and receiving costs no more CPU (measured
on ext4).
"""
WRITE_BYTES: Final = 256 << 10
"""Bytes that are written at once.

The kernel makes folios of the page cache as large as the write, and takes large ones from memory
that was not used yet: 1 MiB cost 1.28 CPU seconds per GiB, 256 KiB 0.66 (medians, Linux 6.18 in a
virtual machine).
"""
MAX_VECTOR: Final = min(os.sysconf("SC_IOV_MAX"), 1024)
"""Largest number of buffers of one ``pwritev``."""
_SYNC_FILE_RANGE_WRITE: Final = 2
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BUSY: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class _DiskErrors:
    """Raises the project's errors for those of the disk; it has no state."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, OSError):
            return
        if isinstance(error, FileNotFoundError):
            raise UploadNotFound from error
        if error.errno in _FULL:
            raise StorageFull from error
        if error.errno in _BUSY:
            raise StorageBusy from error
        raise StorageDamaged from error


_DISK_ERRORS: Final = _DiskErrors()


def disk_errors() -> AbstractContextManager[None]:
    """Raise the project's errors for those of the disk in a block.

    Raises: StorageFull, StorageBusy, StorageDamaged, UploadNotFound (there is no such file).
    """
    return _DISK_ERRORS


class DiskWriter(Writer):
    """Writes to an open data file at its end (``storage.port.Writer``)."""

    offset = 0

    def __init__(
        self, path: str, descriptor: int, offset: int, *, space: Reservation, durable: bool
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._space = space
        self.offset = offset
        self._pushed = offset
        self._durable = durable
        self._synced = 0
        """Bytes that are known to be on the disk: 0 until a sync of this descriptor succeeded."""
        self._directory_clean = False
        self._poisoned = False

    @property
    def path(self) -> Path:
        """The path of the data file."""
        return Path(self._path)

    @override
    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        self._check_usable()
        size = sum(map(len, chunks))
        with disk_errors():
            fits = self._space.cover(self.offset, size)
            try:
                for batch, count in _batches(chunks if fits == size else first_bytes(chunks, fits)):
                    self._put(batch, count)
            finally:
                self._space.written(self.offset)
        if fits < size:
            raise StorageFull
        if self.offset - self._pushed >= PUSH_BYTES:
            self.start_writeback()

    @override
    def start_writeback(self) -> None:
        if self._durable and self.offset > self._pushed:
            start_writeback(self._descriptor, self._pushed, self.offset - self._pushed)
            self._pushed = self.offset

    def _put(self, pending: list[memoryview], left: int) -> None:
        while left:
            count = os.pwritev(self._descriptor, pending, self.offset)
            if count == 0:
                raise OSError(errno.EIO, "the disk wrote nothing")
            self.offset += count
            left -= count
            if left:
                pending = _after(pending, count)

    @override
    def truncate(self, offset: int) -> None:
        with disk_errors():
            os.ftruncate(self._descriptor, offset)
        self._space.cut(offset)
        self.offset = offset
        self._pushed = min(self._pushed, offset)
        self._synced = min(self._synced, offset)

    def mark_directory_dirty(self) -> None:
        """Let the next sync include the directory, since a file was created or removed in it."""
        self._directory_clean = False

    @override
    def sync(self) -> None:
        """Sync the data; the first sync includes the directory."""
        if not self._durable:
            return
        self._check_usable()
        with self._directory() as directory:
            try:
                os.fdatasync(self._descriptor)
                if directory is not None:
                    os.fsync(directory)
            except OSError as error:
                self._cut_unsynced()
                raise StorageDamaged from error
        self._directory_clean = True
        self._synced = self.offset

    @contextmanager
    def _directory(self) -> Iterator[int | None]:
        """Open the directory, unless its names are synced.

        This precedes the sync of the data: if no descriptor is free, nothing is known about the
        data, which must not be cut off then.
        """
        if self._directory_clean:
            yield None
            return
        with disk_errors():
            descriptor = os.open(self.path.parent, _DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _cut_unsynced(self) -> None:
        """Cut off the bytes whose sync failed (rule 3).

        If that fails too, the file cannot be opened for writing any longer: such a file system has
        made itself read-only.
        """
        self._poisoned = True
        log.error(
            "upload.sync.failed",
            extra={"upload_id": self.path.name, "lost_bytes": self.offset - self._synced},
        )
        with suppress(OSError):
            os.ftruncate(self._descriptor, self._synced)
            self._space.cut(self._synced)
            self.offset = self._synced

    def _check_usable(self) -> None:
        if self._poisoned:
            raise StorageDamaged

    @override
    def close(self) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):
                self._space.close(self.offset)
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _batches(chunks: Iterable[bytes | memoryview]) -> Iterator[tuple[list[memoryview], int]]:
    """Group the chunks to what is written at once, with the number of bytes of each group."""
    batch: list[memoryview] = []
    size = 0
    for chunk in chunks:
        rest = memoryview(chunk).cast("B")
        while rest:
            piece = rest[: WRITE_BYTES - size]
            batch.append(piece)
            size += len(piece)
            rest = rest[len(piece) :]
            if size == WRITE_BYTES or len(batch) == MAX_VECTOR:
                yield batch, size
                batch, size = [], 0
    if batch:
        yield batch, size


def _after(pending: list[memoryview], count: int) -> list[memoryview]:
    """Return what is left after ``count`` bytes were written: a write may be short (fault 36)."""
    position = 0
    while position < len(pending) and count >= len(pending[position]):
        count -= len(pending[position])
        position += 1
    rest = pending[position:]
    if count:
        rest[0] = rest[0][count:]
    return rest


def sync_directory(path: Path) -> None:
    """Make names in a directory survive a power cut. Raises: OSError."""
    descriptor = os.open(path, _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def start_writeback(descriptor: int, start: int, length: int) -> None:
    """Start the writeback of these bytes without waiting, so that the last sync is short.

    This is only a hint: it guarantees nothing, and its failure is ignored.
    """
    if linux.sync_file_range is not None:
        linux.sync_file_range(
            descriptor, ctypes.c_int64(start), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE
        )
