"""Read a request's body from the connection: of a declared length, or chunked."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 1 << 18


class Body:
    """A body that can be iterated once.

    ``received`` counts its bytes; ``declared`` is true when its end is known.

    Raises: ConnectionError: the client closed the connection before the end.
    """

    def __init__(self, stream: BinaryIO, headers: Mapping[str, str]) -> None:
        self._stream = stream
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._left = int(headers.get("content-length", "0"))
        self.declared = self._chunked or "content-length" in headers
        self.received = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._read()
        while self._chunked:
            self._left = int(self._line().partition(b";")[0], 16)
            self._chunked = self._left > 0
            yield from self._read()
            self._line()

    def corrupted(self) -> Iterator[bytes]:
        """Yield the same bytes with one bit flipped."""
        chunks = iter(self)
        for first in chunks:
            yield bytes([first[0] ^ 1]) + first[1:]
            yield from chunks

    def drain(self) -> None:
        """Read the rest, so that the connection can be used for the next request."""
        for _ in self:
            pass

    def _line(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the body ended early")
        return line

    def _read(self) -> Iterator[bytes]:
        while self._left:
            data = self._stream.read(min(_CHUNK_BYTES, self._left))
            if not data:
                raise ConnectionError("the body ended early")
            self._left -= len(data)
            self.received += len(data)
            yield data
