"""Recognises video in packets and bare streams: MPEG-TS, MPEG-PS, GXF, elementary streams, DV.

Sources: ISO/IEC 13818-1 (TS, PS), 13818-2 and 11172-2 (MPEG video), 14496-10 annex B (H.264),
23008-2 annex B (HEVC), IEC 61834 (DV).
"""

from typing import Final

from tusd_py.domain.filetypes import DV, GXF, H264, HEVC, M2V, MPEG_PS, MPEG_TS, FileType
from tusd_py.domain.signatures.head_reader import HeadReader, is_text

PACKETS: Final = 8
"""Number of packets in a row that make a transport stream."""
_PACKET_BYTES: Final = (188, 192, 204)
"""As sent; with a time stamp before each (M2TS); with bytes for error correction after each."""
_START: Final = b"\0\0\1"
_MAX_UNITS: Final = 64
_SEQUENCE_CODES: Final = (0x00, 0xB2, 0xB5, 0xB8)
_DV_BLOCK_BYTES: Final = 80
_DV_SEQUENCE_BYTES: Final = 150 * _DV_BLOCK_BYTES
_DV_SEQUENCES: Final = 4


def transport_stream(reader: HeadReader) -> FileType | None:
    """Return MPEG-TS if packets follow one another, wherever the recording was cut."""
    head = reader.head
    for size in _PACKET_BYTES:
        at = head.find(b"\x47", 0, size)
        while at >= 0:
            if _are_packets(head, at, size):
                return None if is_text(head) else MPEG_TS
            at = head.find(b"\x47", at + 1, size)
    return None


def _are_packets(head: bytes, start: int, size: int) -> bool:
    if start + PACKETS * size > len(head):
        return False
    packets = (head[at : at + 4] for at in range(start, start + PACKETS * size, size))
    # There is no error indicator, and no adaptation field control of 0, which is reserved.
    return all(packet[0] == 0x47 and packet[1] < 0x80 and packet[3] & 0x30 for packet in packets)


def general_exchange(reader: HeadReader) -> FileType | None:
    """Return GXF if its first packet is a map of what follows (SMPTE 360M)."""
    head = reader.head
    return GXF if head.startswith(b"\0\0\0\0\1\xbc") and head[14:16] == b"\xe1\xe2" else None


def program_stream(reader: HeadReader) -> FileType | None:
    """Return MPEG-PS if a pack is followed by a packet."""
    head = reader.head
    if not head.startswith(b"\0\0\1\xba") or len(head) < 16:
        return None
    if head[4] & 0xC4 == 0x44:
        after = 14 + (head[13] & 7)
    elif head[4] & 0xF1 == 0x21:
        after = 12
    else:
        return None
    following = head[after : after + 4]
    return MPEG_PS if following[:3] == _START and following[3:] >= b"\xb9" else None


def elementary_video(reader: HeadReader) -> FileType | None:
    """Return H.264, HEVC or MPEG video by the units that a stream begins with."""
    head = reader.head
    if not head.startswith((_START, b"\0" + _START)):
        return None
    units = _units(head)
    if not units:
        return None
    if _is_mpeg_video(units):
        return M2V
    if _is_h264(units):
        return H264
    return HEVC if _is_hevc(units) else None


def _units(head: bytes) -> list[bytes]:
    """Return the first bytes of what follows each start code."""
    found: list[bytes] = []
    at = head.find(_START)
    while at >= 0 and len(found) < _MAX_UNITS:
        found.append(head[at + 3 : at + 11])
        at = head.find(_START, at + 3)
    return [unit for unit in found if len(unit) > 1]


def _is_mpeg_video(units: list[bytes]) -> bool:
    """Return whether a sequence header has a size, a known aspect and rate, and a successor."""
    if len(units) < 2 or units[0][0] != 0xB3 or len(units[0]) < 8:
        return False
    size = int.from_bytes(units[0][1:4], "big")
    aspect, rate = units[0][4] >> 4, units[0][4] & 15
    is_sized = bool(size >> 12) and bool(size & 0xFFF)
    is_known = 1 <= aspect <= 14 and 1 <= rate <= 8 and units[0][7] & 0x20
    return bool(is_sized and is_known) and units[1][0] in _SEQUENCE_CODES


def _is_h264(units: list[bytes]) -> bool:
    """Return whether there are parameter sets of sequence and picture, then a slice.

    A forbidden unit makes the answer False.
    """
    kinds = [unit[0] & 31 for unit in units]
    valid = all(
        not unit[0] & 0x80 and 0 < kind < 24 and (kind not in (5, 7, 8) or unit[0] & 0x60)
        for unit, kind in zip(units, kinds, strict=True)
    )
    return valid and kinds[0] in (6, 7, 9) and _in_order(kinds, ((7,), (8,), (1, 2, 5)))


def _is_hevc(units: list[bytes]) -> bool:
    """Return whether there are parameter sets of video, sequence and picture, then a slice.

    A forbidden unit makes the answer False.
    """
    kinds = [unit[0] >> 1 & 63 for unit in units]
    valid = all(not unit[0] & 0x80 and unit[1] & 7 for unit in units)
    slices = tuple(range(32))
    return valid and kinds[0] in (32, 35, 39) and _in_order(kinds, ((32,), (33,), (34,), slices))


def _in_order(kinds: list[int], wanted: tuple[tuple[int, ...], ...]) -> bool:
    left = iter(kinds)
    return all(any(kind in group for kind in left) for group in wanted)


def digital_video(reader: HeadReader) -> FileType | None:
    """Return raw DV if the first sequences of a frame begin as they must."""
    head = reader.head
    if head[:3] != b"\x1f\x07\0":
        return None
    blocks = [head[at : at + 3] for at in range(0, 8 * _DV_BLOCK_BYTES, _DV_BLOCK_BYTES)]
    sections = [block[:1] and block[0] >> 5 for block in blocks]
    sequences = [
        head[number * _DV_SEQUENCE_BYTES : number * _DV_SEQUENCE_BYTES + 3]
        for number in range(_DV_SEQUENCES)
    ]
    numbered = [bytes((0x1F, number << 4 | 7, 0)) for number in range(_DV_SEQUENCES)]
    return DV if sections == [0, 1, 1, 2, 2, 2, 3, 4] and sequences == numbered else None
