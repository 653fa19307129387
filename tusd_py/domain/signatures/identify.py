"""Finds a file's type by its content.

No answer is better than a wrong one: a type whose frames begin with few fixed bits is recognised by
several frames in a row.
"""

from collections.abc import Callable
from typing import Final

from tusd_py.domain import filetypes as types
from tusd_py.domain.filetypes import FileType
from tusd_py.domain.signatures.archives import archive
from tusd_py.domain.signatures.boxes import boxed
from tusd_py.domain.signatures.containers import chunked, ebml, ogg, windows_media, yuv4mpeg
from tusd_py.domain.signatures.head_reader import HeadReader
from tusd_py.domain.signatures.pictures import bitmap, icon, jpeg_xl, tiff
from tusd_py.domain.signatures.sound import sound, tagged
from tusd_py.domain.signatures.streams import (
    digital_video,
    elementary_video,
    general_exchange,
    program_stream,
    transport_stream,
)

_PREFIXES: Final[tuple[tuple[bytes, FileType], ...]] = (
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", types.MXF),
    (b"nut/multimedia container\0", types.NUT),
    (b".RMF\0\0\0", types.RM),
    (b".ra\xfd\0", types.RM),
    (b"FLV\x01\x01\0\0\0\x09", types.FLV),
    (b"FLV\x01\x04\0\0\0\x09", types.FLV),
    (b"FLV\x01\x05\0\0\0\x09", types.FLV),
    (b"DKIF\0\0\x20\0", types.IVF),
    (b"fLaC\0", types.FLAC),
    (b"fLaC\x80", types.FLAC),
    (b"caff\0\x01\0\0", types.CAF),
    (b"wvpk", types.WAVPACK),
    (b"MAC \x96\x0f", types.APE),
    (b"MAC \x8c\x0f", types.APE),
    (b"TTA1\x01\0", types.TTA),
    (b".snd\0\0\0", types.AU),
    (b"#!AMR\n", types.AMR),
    (b"#!AMR-WB\n", types.AMR),
    (b"MThd\0\0\0\x06", types.MIDI),
    (b"\xff\xd8\xff", types.JPEG),
    (b"\x89PNG\r\n\x1a\n", types.PNG),
    (b"GIF87a", types.GIF),
    (b"GIF89a", types.GIF),
    (b"\xff\x4f\xff\x51\0", types.J2K),
    (b"8BPS\0\x01\0\0\0\0\0\0", types.PSD),
    (b"8BPS\0\x02\0\0\0\0\0\0", types.PSD),
    (b"FUJIFILMCCD-RAW ", types.RAF),
    (b"IIRO\x08\0", types.ORF),
    (b"IIRS\x08\0", types.ORF),
    (b"MMOR\0\0", types.ORF),
    (b"IIU\0", types.RW2),
    (b"II\x1a\0\0\0HEAPCCDR", types.CRW),
    (b"FOVb", types.X3F),
    (b"%PDF-", types.PDF),
    (b"\x1f\x8b\x08", types.GZIP),
    (b"7z\xbc\xaf\x27\x1c", types.SEVEN_ZIP),
    (b"Rar!\x1a\x07", types.RAR),
)

_ANY_PREFIX: Final = tuple(prefix for prefix, _ in _PREFIXES)
_PROBES: Final[tuple[Callable[[HeadReader], FileType | None], ...]] = (
    boxed, ebml, chunked, ogg, windows_media, yuv4mpeg, tiff, archive, tagged, sound, bitmap, icon,
    jpeg_xl, general_exchange, program_stream, elementary_video, digital_video, transport_stream,
)  # fmt: skip


def identify(reader: HeadReader) -> FileType | None:
    """Return the type of a file; None: none of the table.

    With the beginning of a file it may find less than with the whole, and nothing else, save that
    an archive or a TIFF file may turn out to be a document or a camera's raw picture.

    Raises: what ``reader.read`` raises.
    """
    if reader.head.startswith(_ANY_PREFIX):
        return next(kind for prefix, kind in _PREFIXES if reader.head.startswith(prefix))
    for probe in _PROBES:
        found = probe(reader)
        if found is not None:
            return found
    return None
