"""Recognises pictures for which the first bytes do not suffice, among them raw pictures like TIFF.

Sources: TIFF 6.0, the DNG specification 1.7, https://www.awaresystems.be/imaging/tiff/bigtiff.html,
ISO/IEC 18181-1 (JPEG XL).
"""

from collections.abc import Mapping
from typing import Final

from tusd_py.domain.filetypes import (
    ARW,
    BMP,
    CAMERA_RAW,
    CR2,
    DNG,
    ICO,
    JXL,
    NEF,
    PEF,
    SRW,
    TIFF,
    FileType,
)
from tusd_py.domain.signatures.head_reader import HeadReader

_MAX_ENTRIES: Final = 256
_NEW_SUBFILE_TYPE, _COMPRESSION, _PHOTOMETRIC, _MAKE = 254, 259, 262, 271
_SUB_DIRECTORIES, _DNG_VERSION = 330, 50706
_REDUCED: Final = 1
_RAW_COMPRESSIONS: Final = (32767, 32770, 34713, 65000, 65535)
"""Compressions of Sony, Samsung, Nikon, Kodak and Pentax."""
_RAW_PHOTOMETRICS: Final = (32803, 34892)
"""Colour filter array, linear raw."""
_MAKERS: Final = (
    (b"NIKON", NEF), (b"SONY", ARW), (b"PENTAX", PEF), (b"RICOH", PEF), (b"SAMSUNG", SRW),
)  # fmt: skip
_BITMAP_HEADERS: Final = (12, 16, 40, 52, 56, 64, 108, 124)
_ICON_BITS: Final = (0, 1, 4, 8, 16, 24, 32)
_JXL_SIDE_BITS: Final = (9, 13, 18, 30)
_JXL_LARGEST_SIDE: Final = 1 << 18


def tiff(reader: HeadReader) -> FileType | None:
    """Return TIFF, or the camera's raw format that uses its form."""
    head = reader.head
    order: dict[bytes, str] = {b"II": "little", b"MM": "big"}
    name = order.get(head[:2])
    if name is None or len(head) < 8:
        return None
    is_little = name == "little"
    magic = _integer(head[2:4], little=is_little)
    if magic == 43 and _integer(head[4:6], little=is_little) == 8:
        return TIFF
    if magic != 42:
        return None
    if head[8:10] == b"CR":
        return CR2
    return _raw(reader, is_little) or TIFF


def _raw(reader: HeadReader, little: bool) -> FileType | None:
    tags = _tags(reader, little)
    if _DNG_VERSION in tags:
        return DNG
    reduced = _SUB_DIRECTORIES in tags and tags.get(_NEW_SUBFILE_TYPE) == _REDUCED
    packed = tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
    mosaic = tags.get(_PHOTOMETRIC) in _RAW_PHOTOMETRICS
    if not (reduced or packed or mosaic) or _MAKE not in tags:
        return None
    maker = (reader.read_at(tags[_MAKE], 16) or b"").upper()
    return next((kind for name, kind in _MAKERS if maker.startswith(name)), CAMERA_RAW)


def _tags(reader: HeadReader, little: bool) -> Mapping[int, int]:
    """Return the first directory's tags with their values, or with the offsets of these."""
    start = _integer(reader.head[4:8], little=little)
    count = min(_integer(reader.read_at(start, 2) or b"", little=little), _MAX_ENTRIES)
    entries = reader.read_at(start + 2, 12 * count) or b""
    tags = {}
    for at in range(0, len(entries) - 11, 12):
        entry = entries[at : at + 12]
        short = _integer(entry[2:4], little=little) == 3
        value = entry[8:10] if short else entry[8:12]
        tags[_integer(entry[:2], little=little)] = _integer(value, little=little)
    return tags


def _integer(data: bytes, *, little: bool) -> int:
    return int.from_bytes(data, "little" if little else "big")


def bitmap(reader: HeadReader) -> FileType | None:
    """Return BMP if its header has a known length."""
    known = int.from_bytes(reader.head[14:18], "little") in _BITMAP_HEADERS
    return BMP if reader.head.startswith(b"BM") and known else None


def icon(reader: HeadReader) -> FileType | None:
    """Return an icon or a cursor if its first entry is valid."""
    head = reader.head
    if not head.startswith((b"\0\0\1\0", b"\0\0\2\0")) or len(head) < 22:
        return None
    count = int.from_bytes(head[4:6], "little")
    planes, bits = (int.from_bytes(head[at : at + 2], "little") for at in (10, 12))
    size, place = (int.from_bytes(head[at : at + 4], "little") for at in (14, 18))
    plain = head[2] == 2 or (planes < 2 and bits in _ICON_BITS)
    return ICO if plain and head[9] == 0 and count and size and place >= 6 + 16 * count else None


def jpeg_xl(reader: HeadReader) -> FileType | None:
    """Return a bare codestream of JPEG XL if the size in its header can be true."""
    if not reader.head.startswith(b"\xff\x0a") or len(reader.head) < 12:
        return None
    bits = int.from_bytes(reader.head[2:12], "little")
    if not bits & 1:
        at = 3
        height = (bits >> at & ((1 << _JXL_SIDE_BITS[bits >> 1 & 3]) - 1)) + 1
        if height > _JXL_LARGEST_SIDE:
            return None
    return JXL
