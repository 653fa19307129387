"""Writing to one upload's file."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tusd_py.domain.errors import StorageDamaged, StorageFull, UploadNotFound
from tusd_py.stores.linux import push_out

PUSH_BYTES: Final = 32 << 20
"""Dirty pages are pushed out each time so many have gathered: the sync at the end of any upload
then takes 10 to 30 ms, and receiving costs no more CPU (measured on ext4)."""
MAX_VECTOR: Final = min(os.sysconf("SC_IOV_MAX"), 1024)
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def disk_errors() -> Iterator[None]:
    """What the disk says, in the project's words. Raises: StorageFull, StorageDamaged,
    UploadNotFound."""
    try:
        yield
    except FileNotFoundError as error:
        raise UploadNotFound from error
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise StorageDamaged from error


class DiskWriter:
    """An open data file, positioned at its end (``stores.port.Writer``)."""

    def __init__(self, path: Path, descriptor: int, offset: int, *, durable: bool) -> None:
        self.path = path
        self._descriptor = descriptor
        self._offset = offset
        self._pushed = offset
        self._durable = durable
        self._poisoned = False

    @property
    def offset(self) -> int:
        """See ``Writer.offset``."""
        return self._offset

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """See ``Writer.write``: in one system call, as far as the system takes it."""
        pending = [memoryview(chunk).cast("B") for chunk in chunks if len(chunk)]
        with disk_errors():
            while pending:
                count = os.pwritev(self._descriptor, pending[:MAX_VECTOR], self._offset)
                self._offset += count
                pending = _after(pending, count)
        if self._durable and self._offset - self._pushed >= PUSH_BYTES:
            push_out(self._descriptor, self._pushed, self._offset - self._pushed)
            self._pushed = self._offset

    def truncate(self, offset: int) -> None:
        """See ``Writer.truncate``."""
        with disk_errors():
            os.ftruncate(self._descriptor, offset)
        self._offset = offset
        self._pushed = min(self._pushed, offset)

    def sync(self) -> None:
        """See ``Writer.sync``. A descriptor whose sync failed is never synced again: the kernel has
        forgotten the pages by then and would say all is well."""
        if not self._durable:
            return
        if self._poisoned:
            raise StorageDamaged
        try:
            os.fdatasync(self._descriptor)
            sync_directory(self.path.parent)
        except OSError as error:
            self._poisoned = True
            raise StorageDamaged from error

    def close(self) -> None:
        """See ``Writer.close``."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _after(pending: list[memoryview], count: int) -> list[memoryview]:
    """What is left once ``count`` bytes are written: a write may be short (fault 36)."""
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
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
