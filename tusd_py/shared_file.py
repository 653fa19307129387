"""Maps files into the memory of several processes."""

import mmap
import os
from pathlib import Path


def map_file(path: Path, size: int) -> mmap.mmap:
    """Return the file's ``size`` bytes as memory that all processes share which map it.

    A new file is zeros. Its owner only may read it. Raises: OSError.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(descriptor).st_size < size:
            os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
