"""Recognises Matroska and WebM, RIFF and similar formats, Ogg, Windows Media, YUV4MPEG2.

Sources: RFC 8794 (EBML), RFC 9559 (Matroska), RFC 3533 (Ogg), EBU Tech 3306 (RF64), ITU-R BS.2088
(BW64), Advanced Systems Format specification, revision 01.20.03.
"""

from typing import Final

from tusd_py.domain.filetypes import (
    AIFF,
    ASF,
    AVI,
    MIDI,
    MKV,
    OGG,
    OGV,
    W64,
    WAV,
    WEBM,
    WEBP,
    WMA,
    Y4M,
    FileType,
)
from tusd_py.domain.signatures.head_reader import HeadReader, is_text

_EBML: Final = 0x1A45DFA3
_VOID: Final = 0xEC
_DOC_TYPE: Final = 0x4282
_MAX_ELEMENTS: Final = 32
_FORMS: Final = {b"AVI ": AVI, b"WAVE": WAV, b"WEBP": WEBP, b"RMID": MIDI}
_CHUNKS_BYTES: Final = 64
"""Bytes that hold the lengths of the first chunks, and therefore are no text."""
_WAVE_64: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"
_ASF: Final = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"
_ASF_VIDEO: Final = b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\0\x80\x5f\x5c\x44\x2b"
_ASF_AUDIO: Final = b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\0\x80\x5f\x5c\x44\x2b"
_OGG_VIDEO: Final = (b"\x80theora", b"OVP80", b"BBCD\0", b"\x01video\0\0\0")
_OGG_HEADS_BYTES: Final = 8192
"""Bytes that hold the first pages of all streams, and so the names of their codecs."""
_LINE_BYTES: Final = 256


def ebml(reader: HeadReader) -> FileType | None:
    """Return Matroska or WebM by the document type in the EBML header."""
    head, at = reader.head, 0
    if not head.startswith((b"\x1a\x45\xdf\xa3", b"\xec")):
        return None
    for _ in range(_MAX_ELEMENTS):
        name, size, data = _element(head, at)
        if name == _EBML:
            return _by_document_type(head, data, min(data + size, len(head)))
        if name != _VOID:
            return None
        at = data + size
    return None


def _by_document_type(head: bytes, at: int, end: int) -> FileType | None:
    for _ in range(_MAX_ELEMENTS):
        if at >= end:
            return None
        name, size, data = _element(head, at)
        if name == _DOC_TYPE:
            return {b"webm": WEBM, b"matroska": MKV}.get(head[data : data + size].rstrip(b"\0"))
        at = data + size
    return None


def _element(head: bytes, at: int) -> tuple[int, int, int]:
    """Return an element's identifier (with its marker), size and start of data; zeros: none."""
    name, after = _number(head, at, marked=True)
    size, data = _number(head, after, marked=False)
    return name, size, data


def _number(head: bytes, at: int, *, marked: bool) -> tuple[int, int]:
    first = head[at : at + 1]
    length = 9 - first[0].bit_length() if first else 9
    if length > (4 if marked else 8):
        return 0, at + 1
    value = int.from_bytes(head[at : at + length], "big")
    return value if marked else value & ((1 << 7 * length) - 1), at + length


def chunked(reader: HeadReader) -> FileType | None:
    """Return the type of a file of chunks: RIFF, its 64-bit forms, or IFF."""
    head = reader.head
    if is_text(head[:_CHUNKS_BYTES]):
        return None
    match head[:4]:
        case b"RIFF":
            return _FORMS.get(head[8:12])
        case b"RIFX" | b"RF64" | b"BW64":
            return WAV if head[8:12] == b"WAVE" else None
        case b"FORM":
            return AIFF if head[8:12] in (b"AIFF", b"AIFC") else None
    return W64 if head.startswith(_WAVE_64) and head[24:28] == b"wave" else None


def ogg(reader: HeadReader) -> FileType | None:
    """Return what an Ogg file holds by the first packets of its streams."""
    if not reader.head.startswith(b"OggS\0"):
        return None
    heads = reader.head[:_OGG_HEADS_BYTES]
    return OGV if any(codec in heads for codec in _OGG_VIDEO) else OGG


def windows_media(reader: HeadReader) -> FileType | None:
    """Return Windows Media with or without pictures, by the types of its streams."""
    if not reader.head.startswith(_ASF):
        return None
    return WMA if _ASF_AUDIO in reader.head and _ASF_VIDEO not in reader.head else ASF


def yuv4mpeg(reader: HeadReader) -> FileType | None:
    """Return uncompressed video if its first line is followed by a frame."""
    if not reader.head.startswith(b"YUV4MPEG2 "):
        return None
    line, _, rest = reader.head[:_LINE_BYTES].partition(b"\n")
    sized = b" W" in line and b" H" in line
    return Y4M if sized and rest.startswith(b"FRAME") else None
