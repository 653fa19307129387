"""Wraps Linux system calls that Python lacks.

They reserve space without a change of the file's length, start the writeback of dirty pages, and
return the type of a file system.
"""

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
    """Allocate blocks for ``length`` bytes from ``start``, the end of the file.

    The file's length, which is the upload's offset, does not change.

    Returns: whether the blocks were allocated. If not, nothing stays allocated beyond ``start``:
    ext4 would keep the part that it found before the disk was full (measured). Raises: OSError.
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


def start_writeback(descriptor: int, start: int, length: int) -> None:
    """Start the writeback of these bytes without waiting, so that the last sync is short.

    This is only a hint: it guarantees nothing, and its failure is ignored.
    """
    if _sync_file_range is not None:
        _sync_file_range(
            descriptor, ctypes.c_int64(start), ctypes.c_int64(length), _SYNC_FILE_RANGE_WRITE
        )


def file_system_type(path: Path) -> int | None:
    """Return the kernel's number of the file system that holds ``path``.

    This is ``f_type`` of statfs(2), or None if statfs is missing or fails.
    """
    answer = ctypes.create_string_buffer(512)
    if _statfs is None or _statfs(os.fsencode(path), answer) != 0:
        return None
    return ctypes.c_ulong.from_buffer(answer).value & 0xFFFFFFFF
