"""Read the bytes of a file for a request."""

from collections.abc import Iterator
from io import RawIOBase
from typing import Final

from tusd_py.client.errors import Refused
from tusd_py.client.messages import FileRange

PIECE_BYTES: Final = 1 << 20


def read_range(source: RawIOBase, piece: FileRange) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes in pieces, each with the offset after it. Raises: Refused, OSError."""
    source.seek(piece.offset)
    offset, end = piece.offset, piece.offset + piece.length
    while offset < end:
        content = source.read(min(PIECE_BYTES, end - offset))
        if not content:
            raise Refused("the file became shorter while it was sent")
        offset += len(content)
        yield offset, content
