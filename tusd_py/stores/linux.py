"""Calls of Linux that Python lacks: reserving space without length, pushing dirty pages out, telling
kinds of file systems."""

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

_FALLOC_FL_KEEP_SIZE: Final = 1
_SYNC_FILE_RANGE_WRITE: Final = 2
_NOT_HERE: Final = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EINTR)


def _function(name: str) -> Callable[..., int] | None:
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return found


_fallocate: Final = _function("fallocate64") or _function("fallocate")
_sync_file_range: Final = _function("sync_file_range")
_statfs: Final = _function("statfs")


def reserve(descriptor: int, start: int, length: int) -> None:
    """Reserve ``length`` bytes from ``start``, the file's end; its length, which is the upload's
    offset, stays as it is. Does nothing where the file system can't.

    Raises: OSError: no space. Nothing stays reserved then: ext4 would keep the part that it had
    taken by then, which is everything that was free, and fill the disk for all others (measured).
    """
    if _fallocate is None or length <= 0:
        return
    status = os.fstatvfs(descriptor)
    if status.f_bavail * status.f_frsize < length:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    done = _fallocate(
        descriptor, _FALLOC_FL_KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(length)
    )
    number = ctypes.get_errno()
    if done == 0 or number in _NOT_HERE:
        return
    os.ftruncate(descriptor, start)
    raise OSError(number, os.strerror(number))


def push_out(descriptor: int, start: int, length: int) -> None:
    """Begin writing these bytes to the disk, without waiting: so the last sync is short.

    A hint: it promises nothing, and its failure means nothing.
    """
    if _sync_file_range is not None:
        _sync_file_range(
            descriptor, ctypes.c_int64(start), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE
        )


def file_system_type(path: Path) -> int | None:
    """The kernel's number of the file system that holds ``path`` (``f_type`` of statfs(2)), or None
    where it does not tell."""
    answer = ctypes.create_string_buffer(512)
    if _statfs is None or _statfs(os.fsencode(path), answer) != 0:
        return None
    return ctypes.c_ulong.from_buffer(answer).value & 0xFFFFFFFF
