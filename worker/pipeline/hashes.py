"""Hashes a whole file with BLAKE3, in pieces, so that a large file does not fill the memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import blake3

PIECE_BYTES: Final = 8 << 20


def file_hash(path: Path, check: Callable[[], None]) -> str:
    """Return the BLAKE3 of a file as 64 hex digits.

    ``check`` is called after each piece and may raise to end the work.
    Raises: FileNotFoundError, OSError, what ``check`` raises.
    """
    hasher = blake3.blake3()
    buffer = memoryview(bytearray(PIECE_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
            check()
    return hasher.hexdigest()
