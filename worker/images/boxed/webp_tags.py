"""Removes tags from a WebP file.

Its chunks other than EXIF and XMP are copied byte for byte (RFC 9649, 2.7).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image
from PIL.ExifTags import IFD, Base

HEADER: Final = b"VP8X"
EXIF_FLAG, XMP_FLAG = 0x08, 0x04
PREFIX: Final = b"Exif\x00\x00"
DATES: Final = (Base.DateTimeOriginal, Base.OffsetTimeOriginal, Base.SubsecTimeOriginal)


def strip_webp(source: Path, output: Path, *, everything: bool) -> None:
    """Copy a WebP file without the location where it was taken, or without nearly all tags.

    With ``everything``, the date of recording stays, and the tags needed to show the pixels.
    XMP is removed if it names a location.
    Raises: ValueError: it is no WebP file; OSError.
    """
    content = source.read_bytes()
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise ValueError("no WebP file")
    chunks = []
    for name, body in _chunks(content):
        kept = body
        if name == b"EXIF":
            kept = _exif(body, everything=everything)
        elif name == b"XMP " and (everything or b"GPS" in body or b"Location" in body):
            kept = b""
        if kept or name not in (b"EXIF", b"XMP "):
            chunks.append((name, kept))
    flags = {b"EXIF": EXIF_FLAG, b"XMP ": XMP_FLAG}
    gone = sum(flag for name, flag in flags.items() if name not in dict(chunks))
    written = b"WEBP"
    for name, body in chunks:
        if name == HEADER:
            body = bytes([body[0] & ~gone]) + body[1:]  # noqa: PLW2901
        written += name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    output.write_bytes(b"RIFF" + struct.pack("<I", len(written)) + written)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        yield name, content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _exif(blob: bytes, *, everything: bool) -> bytes:
    tags = Image.Exif()
    tags.load(blob if blob.startswith(PREFIX) else PREFIX + blob)
    if not everything:
        if not tags.get_ifd(IFD.GPSInfo):
            return blob
        del tags[IFD.GPSInfo]
        return tags.tobytes()[len(PREFIX) :]
    kept = Image.Exif()
    if Base.Orientation in tags:
        kept[Base.Orientation] = tags[Base.Orientation]
    details = tags.get_ifd(IFD.Exif)
    kept.get_ifd(IFD.Exif).update({tag: details[tag] for tag in DATES if tag in details})
    return kept.tobytes()[len(PREFIX) :]
