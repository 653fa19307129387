"""Reads bytes of a file: in pieces for a client, or those that show the file's type."""

import os
from collections.abc import Callable, Iterator
from typing import Final

from tusd_py.domain.signatures.head_reader import HEAD_BYTES, HeadReader

FIRST_PIECE_BYTES: Final = 64 << 10
"""Size of the first pieces: a client that reads nothing costs the memory of one piece ..."""
PROVEN_BYTES: Final = 8 << 20
"""... and larger pieces follow when it has read more bytes than all buffers on the way hold."""
PIECE_BYTES: Final = 1 << 20
"""Size of the larger pieces; each costs a thread hop."""


def pieces_of(read: Callable[[int, int], bytes], start: int, length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes from ``start``, fewer if the content ends.

    Args: read: returns the bytes from a start for a length. Raises: what it raises.
    """
    sent = 0
    while sent < length:
        most = FIRST_PIECE_BYTES if sent < PROVEN_BYTES else PIECE_BYTES
        piece = read(start + sent, min(most, length - sent))
        if not piece:
            return
        sent += len(piece)
        yield piece


def file_pieces(path: os.PathLike[str], start: int, length: int) -> Iterator[bytes]:
    """Yield pieces of a file as ``pieces_of`` does. Raises: OSError."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        descriptor = file.fileno()
        yield from pieces_of(lambda at, size: os.pread(descriptor, size, at), start, length)


def look_into(path: os.PathLike[str]) -> HeadReader:
    """Return a reader of a whole file, which is opened again if bytes after its head are needed.

    Raises: OSError.
    """

    def read(start: int, length: int) -> bytes:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return os.pread(file.fileno(), length, start)

    head = read(0, HEAD_BYTES)
    size = len(head) if len(head) < HEAD_BYTES else os.stat(path).st_size  # noqa: PTH116
    return HeadReader(head, size, read)


def range_reader(descriptor: int) -> Callable[[int, int], bytes]:
    """Return a function that reads a length from an offset of an open file.

    The function raises OSError if the file is too short.
    """

    def read(offset: int, length: int) -> bytes:
        found = os.pread(descriptor, length, offset)
        if len(found) != length:
            raise OSError("the file became shorter")
        return found

    return read
