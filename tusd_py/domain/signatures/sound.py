"""Recognises sound whose frames follow one another without a container, and tags before any sound.

Sources: ISO/IEC 11172-3 and 13818-3 (MPEG audio), 14496-3 (ADTS), ETSI TS 102 366 (AC-3, E-AC-3),
ETSI TS 102 114 (DTS), https://id3.org/id3v2.4.0-structure.
"""

from collections.abc import Callable
from typing import Final

from tusd_py.domain.filetypes import AAC, AC3, APE, DTS, EAC3, FLAC, MP3, TTA, WAVPACK, FileType
from tusd_py.domain.signatures.head_reader import HEAD_BYTES, HeadReader

FRAMES: Final = 3
"""Number of frames in a row that make a stream."""
_MAX_TAGS: Final = 8
_TAG_HEADER_BYTES: Final = 10
_BEHIND_A_TAG: Final = (
    (b"fLaC", FLAC), (b"MAC ", APE), (b"wvpk", WAVPACK), (b"TTA1", TTA),
)  # fmt: skip
_RATES: Final = ((44100, 48000, 32000), (22050, 24000, 16000), (11025, 12000, 8000))
_KBITS: Final = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_AC3_KBITS: Final = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
)  # fmt: skip
_DTS: Final = b"\x7f\xfe\x80\x01"
_DTS_EXTENSION: Final = b"\x64\x58\x20\x25"

Frame = tuple[int, object]
"""Length of a frame in bytes, and what all frames of a stream have in common.

Length 0: no frame.
"""


def tagged(reader: HeadReader) -> FileType | None:
    """Return what follows the ID3 tags at the beginning, which may hold pictures of any size.

    Returns: None also if they end beyond what can be read: the rest of the file decides.
    """
    at = 0
    for _ in range(_MAX_TAGS):
        head = reader.read_at(at, _TAG_HEADER_BYTES) if at else reader.head[:_TAG_HEADER_BYTES]
        if head is None:
            return None
        size = _tag_size(head)
        if not size:
            break
        at += size
    if not at:
        return None
    found = reader.read_at(at, HEAD_BYTES)
    return None if found is None else _untagged(found)


def _tag_size(head: bytes) -> int:
    if len(head) < _TAG_HEADER_BYTES or not head.startswith(b"ID3") or head[3] not in (2, 3, 4):
        return 0
    if max(head[6:10]) > 0x7F:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    has_footer = head[3] == 4 and head[5] & 0x10
    return size + (2 if has_footer else 1) * _TAG_HEADER_BYTES


def _untagged(data: bytes) -> FileType | None:
    for prefix, kind in _BEHIND_A_TAG:
        if data.startswith(prefix):
            return kind
    return _framed(data.lstrip(b"\0"))


def sound(reader: HeadReader) -> FileType | None:
    """Return the type of bare frames of sound."""
    return _framed(reader.head)


def _framed(data: bytes) -> FileType | None:
    for begins, kind, frame in _STREAMS:
        if data.startswith(begins) and _in_a_row(data, frame):
            return kind
    return DTS if _is_dts(data) else None


def _in_a_row(data: bytes, frame: Callable[[bytes], Frame]) -> bool:
    at, found, common = 0, 0, None
    while found < FRAMES and at < len(data):
        length, fixed = frame(data[at : at + 16])
        if not length or (found and fixed != common):
            return False
        at, found, common = at + length, found + 1, fixed
    # A very short file may consist of fewer frames.
    return found == FRAMES or (found > 1 and at == len(data))


def _mpeg(head: bytes) -> Frame:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0, None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bits, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or rate == 3 or head[3] & 3 == 2:
        return 0, None
    hertz = _RATES[{3: 0, 2: 1, 0: 2}[version]][rate]
    generation = 1 if version == 3 else 2
    kbits = _KBITS[generation, layer if generation == 1 else min(layer, 2)][bits - 1]
    common = (head[1] & 0xFE, rate)
    if layer == 1:
        return (12000 * kbits // hertz + padding) * 4, common
    samples = 72000 if generation == 2 and layer == 3 else 144000
    return samples * kbits // hertz + padding, common


def _adts(head: bytes) -> Frame:
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0, None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return (length if length > 7 else 0), (head[1] & 8, head[2] & 0xFD)


def _ac3(head: bytes) -> Frame:
    rate, code, version = (head[4] >> 6, head[4] & 63, head[5] >> 3) if len(head) > 5 else (3, 0, 0)
    if not head.startswith(b"\x0b\x77") or rate == 3 or code > 37 or version > 10:
        return 0, None
    kbits = _AC3_KBITS[code >> 1]
    words = {0: 2 * kbits, 1: 320 * kbits // 147 + (code & 1), 2: 3 * kbits}[rate]
    return 2 * words, (rate, code >> 1, version)


def _eac3(head: bytes) -> Frame:
    if len(head) < 6 or not head.startswith(b"\x0b\x77") or not 10 < head[5] >> 3 <= 16:
        return 0, None
    length = 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    return (length if length >= 64 else 0), head[5] >> 3


def _is_dts(data: bytes) -> bool:
    """Return whether a core frame is followed by another one or by an extension: 64 fixed bits."""
    if len(data) < 9 or not data.startswith(_DTS):
        return False
    length = ((data[5] & 3) << 12 | data[6] << 4 | data[7] >> 4) + 1
    return data[length : length + 4] in (_DTS, _DTS_EXTENSION)


_STREAMS: Final[tuple[tuple[bytes, FileType, Callable[[bytes], Frame]], ...]] = (
    (b"\xff", AAC, _adts),
    (b"\xff", MP3, _mpeg),
    (b"\x0b\x77", AC3, _ac3),
    (b"\x0b\x77", EAC3, _eac3),
)
