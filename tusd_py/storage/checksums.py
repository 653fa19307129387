"""Provides the checksum algorithms of tus: one digest per chunk, updated as the chunk arrives.

All algorithms release the GIL for large buffers, so they run in the body's thread in parallel with
the event loop.
"""

import hashlib
import zlib
from collections.abc import Callable
from typing import Final, Protocol

import blake3

from tusd_py.domain.errors import StorageDamaged
from tusd_py.storage.port import Reader

Buffer = bytes | memoryview

READ_BYTES: Final = 1 << 20
"""Bytes read back in one call: few enough to stay in the CPU's cache while they are hashed."""


class ChunkDigest(Protocol):
    """Computes one digest step by step."""

    def update(self, data: Buffer, /) -> object:
        """Add the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all bytes so far, as Upload-Checksum carries it before Base64."""
        ...


class _Crc:
    """Computes a 32-bit sum, sent as four bytes, most significant first."""

    def __init__(self, step: Callable[[Buffer, int], int]) -> None:
        self._step = step
        self._value = 0

    def update(self, data: Buffer, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_Algorithms = dict[str, tuple[int, Callable[[], ChunkDigest]]]


def _crc32c() -> _Algorithms:
    """Return CRC-32C if its package is installed.

    In software it would be slower than the network.
    """
    try:
        import crc32c
    except ImportError:
        return {}
    return {"crc32c": (4, lambda: _Crc(crc32c.crc32c))}


_ALGORITHMS: Final[_Algorithms] = {
    "sha1": (20, lambda: hashlib.sha1(usedforsecurity=False)),
    "sha256": (32, hashlib.sha256),
    "md5": (16, lambda: hashlib.md5(usedforsecurity=False)),
    "crc32": (4, lambda: _Crc(zlib.crc32)),
    **_crc32c(),
    "blake3": (32, lambda: blake3.blake3(max_threads=1)),
}

ALGORITHMS: Final = tuple(_ALGORITHMS)
"""Names as Tus-Checksum-Algorithm lists them; every server must support sha1."""


def digest_size(algorithm: str) -> int:
    """Return the size of a digest in bytes. Raises: KeyError: not one of ALGORITHMS."""
    return _ALGORITHMS[algorithm][0]


def new(algorithm: str) -> ChunkDigest:
    """Return a new digest. Raises: KeyError: not one of ALGORITHMS."""
    return _ALGORITHMS[algorithm][1]()


def of_range(reader: Reader, algorithm: str, start: int, end: int) -> bytes:
    """Return the digest of an upload's bytes from ``start`` up to, not including, ``end``.

    Raises: KeyError: not one of ALGORITHMS; UploadNotFound, StorageDamaged.
    """
    digest = new(algorithm)
    add_range(digest, reader, start, end)
    return digest.digest()


def add_range(digest: ChunkDigest, reader: Reader, start: int, end: int) -> None:
    """Update a digest with a range of an upload's bytes. Raises: UploadNotFound, StorageDamaged."""
    buffer = memoryview(bytearray(READ_BYTES))
    while start < end:
        count = reader.read_into(start, buffer[: end - start])
        if not count:
            raise StorageDamaged
        digest.update(buffer[:count])
        start += count
