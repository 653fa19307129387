"""Calls of Linux that Python lacks: reserving space without length, pushing dirty pages out."""

import ctypes
import errno
import os
from collections.abc import Callable
from typing import Final

_FALLOC_FL_KEEP_SIZE: Final = 1
_SYNC_FILE_RANGE_WRITE: Final = 2
_FICLONE: Final = 0x40049409
_UNSUPPORTED: Final = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM)


def _function(name: str) -> Callable[..., int] | None:
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return found


_fallocate: Final = _function("fallocate64") or _function("fallocate")
_sync_file_range: Final = _function("sync_file_range")


def reserve(descriptor: int, start: int, length: int) -> None:
    """Reserve ``length`` bytes from ``start``; the file's length, which is the upload's offset,
    stays as it is. Does nothing where the file system can't. Raises: OSError: no space."""
    if _fallocate is None or length <= 0:
        return
    done = _fallocate(
        descriptor, _FALLOC_FL_KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(length)
    )
    number = ctypes.get_errno()
    if done != 0 and number not in _UNSUPPORTED:
        raise OSError(number, os.strerror(number))


def push_out(descriptor: int, start: int, length: int) -> None:
    """Begin writing these bytes to the disk, without waiting: so the last sync is short.

    A hint: it promises nothing, and its failure means nothing.
    """
    if _sync_file_range is not None:
        _sync_file_range(
            descriptor, ctypes.c_int64(start), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE
        )


def clone(source: int, target: int) -> bool:
    """Make ``target`` share all blocks of ``source`` (reflink); whether the file system could."""
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True
