"""BLAKE3 of a whole file, read in pieces so that no large file fills the memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import blake3

PIECE_BYTES: Final = 8 << 20


def file_hash(path: Path, check: Callable[[], None]) -> str:
    """64 hex digits. ``check`` is called between pieces and may raise to end it.

    Raises: FileNotFoundError, OSError, what ``check`` raises.
    """
    hasher = blake3.blake3()
    buffer = memoryview(bytearray(PIECE_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
            check()
    return hasher.hexdigest()
