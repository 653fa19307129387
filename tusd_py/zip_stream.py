"""Makes a zip archive piece by piece, while it is sent; its size is known before its first byte.

CPython's ``zipfile`` writes it (decision 59): entries are stored, their checksums follow their
bytes, and Zip64 is used where sizes, places or the number of entries need it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import RawIOBase
from typing import Final
from zipfile import ZipFile, ZipInfo

from typing_extensions import Buffer, override

LARGE_BYTES: Final = (1 << 31) - 1
"""``zipfile`` uses Zip64 for sizes and places beyond this number ..."""
MANY_ENTRIES: Final = (1 << 16) - 1
"""... and for more entries than this."""
_GATHERED_BYTES: Final = 64 << 10
_PERMISSIONS: Final = 0o100644 << 16
_EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC).timestamp()
_LATEST: Final = datetime(2107, 12, 31, tzinfo=UTC).timestamp()
_LOCAL_HEADER, _LOCAL_ZIP64 = 30, 20
_DESCRIPTOR, _DESCRIPTOR_ZIP64 = 16, 24
_CENTRAL_HEADER, _CENTRAL_ZIP64, _CENTRAL_FIELD = 46, 4, 8
_END, _END_ZIP64 = 22, 56 + 20


class EntryChanged(Exception):
    """Raised when an entry has another number of bytes than its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """Describes a file of an archive; its size is in bytes, its time in unix seconds (UTC)."""

    name: str
    """Its path, with slashes; no other entry has it."""
    size: int
    modified_at: float
    read: Callable[[], Iterator[bytes]]
    """Begins to read its bytes, in pieces. May raise any error, which ends the archive."""


def zip_size(entries: Iterable[ZipEntry]) -> int:
    """Return the number of bytes that ``zip_pieces`` yields for the same entries."""
    position = directory = count = 0
    for entry in entries:
        is_large = entry.size > LARGE_BYTES
        header = len(_info(entry).FileHeader(is_large))
        name = header - _LOCAL_HEADER - (_LOCAL_ZIP64 if is_large else 0)
        fields = (2 if is_large else 0) + (1 if position > LARGE_BYTES else 0)
        directory += _CENTRAL_HEADER + name
        directory += _CENTRAL_ZIP64 + _CENTRAL_FIELD * fields if fields else 0
        position += header + entry.size + (_DESCRIPTOR_ZIP64 if is_large else _DESCRIPTOR)
        count += 1
    is_zip64 = count > MANY_ENTRIES or max(position, directory) > LARGE_BYTES
    return position + directory + _END + (_END_ZIP64 if is_zip64 else 0)


def zip_pieces(entries: Sequence[ZipEntry]) -> Iterator[bytes]:
    """Yield the archive in pieces of at least 64 KiB, the last one excepted. Blocks.

    Raises: EntryChanged; what ``read`` of an entry raises. The archive is not complete then.
    """
    output = _Output()
    with ZipFile(output, "w") as archive:
        for entry in entries:
            left = entry.size
            with archive.open(_info(entry), "w", force_zip64=left > LARGE_BYTES) as member:
                for piece in entry.read():
                    left -= len(piece)
                    member.write(piece)
                    if output.size >= _GATHERED_BYTES:
                        yield output.taken()
            if left:
                raise EntryChanged(entry.name)
    yield output.taken()


class _Output(RawIOBase):
    """Gathers what ``ZipFile`` writes; it can't seek, so that checksums follow the bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self.size = 0

    @override
    def write(self, piece: Buffer, /) -> int:
        held = bytes(piece)
        self._pieces.append(held)
        self.size += len(held)
        return len(held)

    def taken(self) -> bytes:
        """Return the bytes and forget them."""
        found = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return found


def _info(entry: ZipEntry) -> ZipInfo:
    moment = datetime.fromtimestamp(min(max(entry.modified_at, _EARLIEST), _LATEST), UTC)
    info = ZipInfo(
        entry.name,
        (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second),
    )
    info.external_attr = _PERMISSIONS
    # ``zip_size`` makes a header before there is a checksum.
    info.CRC = 0
    return info
