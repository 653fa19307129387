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


def allocate(descriptor: int, start: int, length: int) -> bool:
    """Allocate blocks for ``length`` bytes from ``start``, the file's end; its length, which is the
    upload's offset, stays as it is.

    Returns: whether they are the file's now. If not, nothing stays allocated beyond ``start``: ext4
    would keep the part that it found before the disk was full (measured). Raises: OSError.
    """
    if _fallocate is None:
        return False
    done = _fallocate(
        descriptor, _FALLOC_FL_KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(length)
    )
    if done == 0:
        return True
    if ctypes.get_errno() not in _NOT_HERE:
        os.ftruncate(descriptor, start)
    return False


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
