"""Maps files into the memory of several processes."""

import mmap
import os
import stat
from pathlib import Path
from typing import Final

_ZEROS_BYTES: Final = 1 << 16


def open_shared(path: Path, size: int) -> int:
    """Open a file of ``size`` bytes, make it of zeros if there is none; return its descriptor.

    Its owner only may read it. Its blocks are allocated, since a write to memory for which the disk
    has none would end the process. Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            os.posix_fallocate(descriptor, 0, size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def map_file(path: Path, size: int) -> mmap.mmap:
    """Return the file's ``size`` bytes as memory that all processes share which map it.

    Raises: OSError.
    """
    descriptor = open_shared(path, size)
    try:
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def forget_contents(directory: Path) -> None:
    """Fill all files of a directory with zeros, and remove what is no file, such as sockets.

    The files keep their blocks: a disk that has become full has none for new ones.
    Raises: OSError.
    """
    for place in directory.iterdir():
        if not stat.S_ISREG(place.lstat().st_mode):
            place.unlink()
            continue
        with place.open("r+b") as file:
            left = os.fstat(file.fileno()).st_size
            while left:
                left -= file.write(bytes(min(left, _ZEROS_BYTES)))
