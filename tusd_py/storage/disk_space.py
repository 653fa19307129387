"""Counts what may be written to a file system without using the reserve that must stay free.

Rule 1: every writer reserves the space here first, under one lock for the process; what was
reserved and is not written yet counts as used, also by the other processes of the same port. So the
writers together never use the reserve.
Rule 2: what the file system can allocate ahead is allocated while the lock is held, and the free
space is read again: another process on the same disk may have used space at the same moment.
Rule 3: a file reserves as much ahead as its body has already brought, at most ``STEP_BYTES``, and
frees it when it is closed. One byte never reserves the length that its client declared.
"""

import ctypes
import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tusd_py.domain.errors import StorageFull
from tusd_py.storage import linux
from tusd_py.storage.promised_bytes import LocalPromisedBytes, PromisedBytes

log = logging.getLogger(__name__)

STEP_BYTES: Final = 64 << 20
"""Most bytes that a file reserves beyond its end."""
ALLOCATE_FROM_BYTES: Final = 1 << 20
"""Fewest bytes that are worth a system call of their own."""
RESERVED_FILES: Final = 1024
"""Inodes that new uploads leave free for the databases and the workers."""
LOG_SECONDS: Final = 60.0
"""A full disk is logged once within this time, however many requests are refused."""
_FALLOC_FL_KEEP_SIZE: Final = 1
_NOT_HERE: Final = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EINTR)


class DiskSpace:
    """Counts the space that is reserved on the file system of ``directory``.

    Thread-safe.
    """

    def __init__(
        self,
        directory: Path,
        *,
        reserve: int = 0,
        promised: PromisedBytes | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start empty.

        Args: reserve: bytes that must stay free; 0: all may be used. promised: bytes that this and
            other processes reserved, and that the file system does not count as used yet; None:
            there are no others.
        """
        self.reserve = reserve
        self._directory = directory
        self._monotonic = monotonic
        self._mutex = threading.Lock()
        self._promised = promised or LocalPromisedBytes()
        self._logged_at: float | None = None

    def free_bytes(self) -> int:
        """Return the free bytes of the file system, the reserve included. Raises: OSError."""
        status = os.statvfs(self._directory)
        return status.f_bavail * status.f_frsize

    def check(self, count: int, *, new: bool = False) -> None:
        """Check that ``count`` bytes more would fit now; nothing is reserved.

        Args: new: check too that one more file can be created. File systems without a limit report
            0 of 0.
        Raises: StorageFull: they do not fit, or too few inodes are left; OSError.
        """
        with self._mutex:
            status = os.statvfs(self._directory)
            few_files = status.f_files > 0 and status.f_favail < RESERVED_FILES
            free = status.f_bavail * status.f_frsize - self._promised.total()
            if free - count < self.reserve or (new and self.reserve and few_files):
                self._refuse()

    def is_short(self) -> bool:
        """Return whether less than the reserve is free. Raises: OSError."""
        return self.free_bytes() < self.reserve

    def take(self, file: "Reservation", start: int, *, least: int, most: int) -> int:
        """Reserve space for the bytes from ``start``, the file's end.

        It reserves ``most`` if the file system can allocate it, else ``least``, else what is left
        above the reserve. An earlier reservation of ``file`` becomes void.

        Returns: bytes that may be written. Raises: OSError.
        """
        with self._mutex:
            self._promised.add(-file.promised)
            file.promised = 0
            if most > least and most >= ALLOCATE_FROM_BYTES and self._allocate(file, start, most):
                return most
            count = file.promised = self._promise(least)
            if count < least:
                self._log()
            return count

    def _promise(self, least: int) -> int:
        count = min(least, max(0, self._room()))
        self._promised.add(count)
        if count and self._promised.shared and self._room() < 0:
            # Another process has promised the same space at this moment.
            self._promised.add(-count)
            return 0
        return count

    def _allocate(self, file: "Reservation", start: int, count: int) -> bool:
        if self._room() < count or not allocate(file.descriptor, start, count):
            return False
        if self._room() >= 0:
            file.allocated = start + count
            return True
        os.ftruncate(file.descriptor, start)
        return False

    def _room(self) -> int:
        """Return the bytes above the reserve, in whole blocks."""
        status = os.statvfs(self._directory)
        blocks = status.f_bavail - -(-(self.reserve + self._promised.total()) // status.f_frsize)
        return blocks * status.f_frsize

    def settle(self, file: "Reservation", left: int) -> None:
        """Record that ``left`` bytes of what the file reserved are not written yet.

        The file system counts the others as used.
        """
        if file.promised > left:
            with self._mutex:
                self._promised.add(left - file.promised)
                file.promised = left

    def _refuse(self) -> None:
        self._log()
        raise StorageFull

    def _log(self) -> None:
        now = self._monotonic()
        if self._logged_at is not None and now - self._logged_at < LOG_SECONDS:
            return
        self._logged_at = now
        log.error(
            "disk.full",
            extra={
                "directory": str(self._directory),
                "free_bytes": self.free_bytes(),
                "reserve_bytes": self.reserve,
            },
        )


class Reservation:
    """Holds the space that one open file has reserved. Used by one thread at a time."""

    def __init__(
        self, space: DiskSpace, descriptor: int, offset: int, *, length: int | None
    ) -> None:
        """Reserve nothing yet.

        ``offset``: the file's length; ``length``: its final one, None: unknown.
        """
        self.descriptor = descriptor
        self.promised = 0
        """Bytes that ``DiskSpace`` counts for this file."""
        self.allocated = offset
        """End of the blocks that were allocated ahead, in bytes from the file's start."""
        self._space = space
        self._start = offset
        self._length = length
        self._end = offset
        """Offset up to which the file may be written."""

    def cover(self, offset: int, count: int) -> int:
        """Reserve space for ``count`` bytes at ``offset``, the file's end, where needed.

        Returns: how many of them may be written. Raises: OSError.
        """
        end = offset + count
        if end > self._end:
            most = end + min(offset - self._start, STEP_BYTES)
            if self._length is not None:
                most = max(end, min(most, self._length))
            taken = self._space.take(self, offset, least=count, most=most - offset)
            self._end = offset + taken
        return min(count, self._end - offset)

    def written(self, offset: int) -> None:
        """Record that the file's length is ``offset`` now."""
        self._space.settle(self, max(0, self._end - offset))

    def cut(self, offset: int) -> None:
        """Record that the file was truncated to ``offset``, and holds nothing beyond it."""
        self._space.settle(self, 0)
        self._start = min(self._start, offset)
        self._end = self.allocated = offset

    def close(self, offset: int) -> None:
        """Free what was not written. ``offset``: the file's length. Raises: OSError."""
        self._space.settle(self, 0)
        if self.allocated > offset and os.fstat(self.descriptor).st_size == offset:
            os.ftruncate(self.descriptor, offset)


def allocate(descriptor: int, start: int, length: int) -> bool:
    """Allocate blocks for ``length`` bytes from ``start``, the end of the file.

    The file's length, which is the upload's offset, does not change.

    Returns: whether the blocks were allocated. If not, nothing stays allocated beyond ``start``:
    ext4 would keep the part that it found before the disk was full (measured). Raises: OSError.
    """
    if linux.fallocate is None:
        return False
    done = linux.fallocate(
        descriptor, _FALLOC_FL_KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(length)
    )
    if done == 0:
        return True
    if ctypes.get_errno() not in _NOT_HERE:
        os.ftruncate(descriptor, start)
    return False
