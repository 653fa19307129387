"""File types by content: a table of signatures, and what a whitelist makes of them (S24).

Rule 1: content decides, names only claim (the seed's hole 9). Rule 2: a type that is not in the
table is opaque bytes. Rule 3: ``demuxer`` is the one ffmpeg may use for the type; nothing else may
be guessed by it, because playlists under a video's name can read their neighbours.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tusd_py.domain.errors import TypeMismatch, TypeNotAllowed

OPAQUE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """A type this project can tell by content. Extensions without the dot, the usual one first."""

    name: str
    family: str
    """video, audio, image, document or archive."""
    mime: str
    extensions: tuple[str, ...]
    demuxer: str = ""
    """ffmpeg's name for the container; '' where ffmpeg has no business."""


def _type(family: str, name: str, mime: str, extensions: str, demuxer: str = "") -> FileType:
    return FileType(
        name=name,
        family=family,
        mime=mime,
        extensions=tuple(extensions.split()),
        demuxer=demuxer,
    )


MP4: Final = _type("video", "mp4", "video/mp4", "mp4 m4v", "mov")
MOV: Final = _type("video", "mov", "video/quicktime", "mov qt", "mov")
THREE_GP: Final = _type("video", "3gp", "video/3gpp", "3gp 3g2", "mov")
M4A: Final = _type("audio", "m4a", "audio/mp4", "m4a m4b", "mov")
HEIC: Final = _type("image", "heic", "image/heic", "heic heif")
AVIF: Final = _type("image", "avif", "image/avif", "avif")
MKV: Final = _type("video", "mkv", "video/x-matroska", "mkv", "matroska")
WEBM: Final = _type("video", "webm", "video/webm", "webm", "matroska")
AVI: Final = _type("video", "avi", "video/x-msvideo", "avi", "avi")
MPEG_TS: Final = _type("video", "ts", "video/mp2t", "ts m2ts mts", "mpegts")
MPEG_PS: Final = _type("video", "mpg", "video/mpeg", "mpg mpeg vob", "mpeg")
FLV: Final = _type("video", "flv", "video/x-flv", "flv", "flv")
ASF: Final = _type("video", "wmv", "video/x-ms-wmv", "wmv asf wma", "asf")
OGG: Final = _type("audio", "ogg", "audio/ogg", "ogg oga opus", "ogg")
OGV: Final = _type("video", "ogv", "video/ogg", "ogv ogg", "ogg")
MP3: Final = _type("audio", "mp3", "audio/mpeg", "mp3", "mp3")
AAC: Final = _type("audio", "aac", "audio/aac", "aac", "aac")
FLAC: Final = _type("audio", "flac", "audio/flac", "flac", "flac")
WAV: Final = _type("audio", "wav", "audio/wav", "wav", "wav")
AMR: Final = _type("audio", "amr", "audio/amr", "amr", "amr")
JPEG: Final = _type("image", "jpeg", "image/jpeg", "jpg jpeg")
PNG: Final = _type("image", "png", "image/png", "png")
GIF: Final = _type("image", "gif", "image/gif", "gif")
WEBP: Final = _type("image", "webp", "image/webp", "webp")
BMP: Final = _type("image", "bmp", "image/bmp", "bmp")
TIFF: Final = _type("image", "tiff", "image/tiff", "tif tiff")
PDF: Final = _type("document", "pdf", "application/pdf", "pdf")
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
DOCX: Final = _type("document", "docx", f"{_OFFICE}wordprocessingml.document", "docx")
XLSX: Final = _type("document", "xlsx", f"{_OFFICE}spreadsheetml.sheet", "xlsx")
PPTX: Final = _type("document", "pptx", f"{_OFFICE}presentationml.presentation", "pptx")
ZIP: Final = _type("archive", "zip", "application/zip", "zip")
GZIP: Final = _type("archive", "gzip", "application/gzip", "gz tgz")
SEVEN_ZIP: Final = _type("archive", "7z", "application/x-7z-compressed", "7z")
RAR: Final = _type("archive", "rar", "application/vnd.rar", "rar")

TYPES: Final = (
    MP4, MOV, THREE_GP, M4A, HEIC, AVIF, MKV, WEBM, AVI, MPEG_TS, MPEG_PS, FLV, ASF, OGG, OGV, MP3,
    AAC, FLAC, WAV, AMR, JPEG, PNG, GIF, WEBP, BMP, TIFF, PDF, DOCX, XLSX, PPTX, ZIP, GZIP,
    SEVEN_ZIP, RAR,
)  # fmt: skip

_BY_EXTENSION: Final = {ext: kind for kind in reversed(TYPES) for ext in kind.extensions}

_PREFIXES: Final[tuple[tuple[bytes, FileType], ...]] = (
    (b"FLV\x01", FLV),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ASF),
    (b"\x00\x00\x01\xba", MPEG_PS),
    (b"\x00\x00\x01\xb3", MPEG_PS),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
    (b"#!AMR", AMR),
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"%PDF-", PDF),
    (b"\x1f\x8b\x08", GZIP),
    (b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (b"Rar!\x1a\x07", RAR),
)
_BRANDS: Final = {
    b"qt  ": MOV, b"M4A ": M4A, b"M4B ": M4A, b"heic": HEIC, b"heix": HEIC, b"mif1": HEIC,
    b"msf1": HEIC, b"avif": AVIF, b"avis": AVIF,
}  # fmt: skip
_BARE_ATOMS: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def sniff(head: bytes) -> FileType | None:
    """The type of a file by its first bytes (at most 64 KiB are looked at); None: not in the table."""
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    for probe in _PROBES:
        found = probe(head)
        if found is not None:
            return found
    return None


def _iso_media(head: bytes) -> FileType | None:
    if head[4:8] in _BARE_ATOMS and len(head) >= 16:
        return MOV
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand.startswith((b"3gp", b"3g2")):
        return THREE_GP
    return _BRANDS.get(brand, MP4)


def _ebml(head: bytes) -> FileType | None:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    start = head[:128]
    if b"webm" in start:
        return WEBM
    return MKV if b"matroska" in start else None


def _riff(head: bytes) -> FileType | None:
    if not head.startswith(b"RIFF"):
        return None
    return {b"AVI ": AVI, b"WAVE": WAV, b"WEBP": WEBP}.get(head[8:12])


def _transport_stream(head: bytes) -> FileType | None:
    for packet, start in ((188, 0), (192, 4)):
        syncs = [head[start + packet * number : start + packet * number + 1] for number in range(3)]
        if all(sync == b"\x47" for sync in syncs):
            return MPEG_TS
    return None


def _ogg(head: bytes) -> FileType | None:
    if not head.startswith(b"OggS"):
        return None
    return OGV if b"\x80theora" in head[:512] else OGG


def _mpeg_audio(head: bytes) -> FileType | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return AAC if head[1] & 0xF6 == 0xF0 else None
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    valid = version != 1 and bitrate not in (0, 15) and rate != 3
    return MP3 if valid else None


def _bitmap(head: bytes) -> FileType | None:
    known = head[14:18] in (b"\x28\0\0\0", b"\x0c\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    return BMP if head.startswith(b"BM") and known else None


def _zip(head: bytes) -> FileType | None:
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    if b"[Content_Types].xml" in head or b"_rels/.rels" in head:
        for folder, kind in ((b"word/", DOCX), (b"xl/", XLSX), (b"ppt/", PPTX)):
            if folder in head:
                return kind
    return ZIP


_PROBES: Final[tuple[Callable[[bytes], FileType | None], ...]] = (
    _iso_media, _ebml, _riff, _transport_stream, _ogg, _mpeg_audio, _bitmap, _zip,
)  # fmt: skip


def extension_of(filename: str) -> str:
    """What follows the last dot, in lower case and without tricks of Unicode; '' if nothing."""
    name = unicodedata.normalize("NFKC", filename)
    _, dot, ext = name.rpartition(".")
    return ext.lower() if dot and ext.isascii() and ext.isalnum() and len(ext) <= 10 else ""


def by_extension(ext: str) -> FileType | None:
    """The type that an extension (without the dot, lower case) claims; None if unknown."""
    return _BY_EXTENSION.get(ext)


def is_video(head: bytes) -> bool:
    """Whether the content is a video's container (the seed's ``IsVideo``, by content)."""
    kind = sniff(head)
    return kind is not None and kind.family == "video"


def check_declared(filename: str, filetype: str, allowed: Sequence[str]) -> None:
    """Under a whitelist: is the extension on it, and does the declared media type agree?

    Nothing is checked while ``allowed`` (extensions) is empty. Raises: TypeNotAllowed.
    """
    if not allowed:
        return
    ext = extension_of(filename)
    if ext not in {entry.lower().lstrip(".") for entry in allowed}:
        raise TypeNotAllowed
    if any(unicodedata.category(char) == "Cc" for char in filename):
        raise TypeNotAllowed("The file name has control characters.")
    declared = filetype.partition(";")[0].strip().lower()
    kind = by_extension(ext)
    if kind is None or declared in ("", OPAQUE):
        return
    if not _same_family(declared, kind):
        raise TypeNotAllowed("The declared type is not that of the file's name.")


def _same_family(declared: str, kind: FileType) -> bool:
    family = declared.partition("/")[0]
    if kind.family in ("document", "archive"):
        return family == "application"
    av = ("video", "audio")
    return family == kind.family or (family in av and kind.family in av)


def check_content(filename: str, head: bytes, allowed: Sequence[str]) -> None:
    """Under a whitelist: is the content of the kind that the extension claims?

    A type whose content can't be told (text, say) must not be one that can. Raises: TypeMismatch.
    """
    if not allowed:
        return
    posing = by_extension(extension_of(filename)) is None and sniff(head) is not None
    if posing or not agrees(filename, head):
        raise TypeMismatch


def agrees(filename: str, head: bytes) -> bool:
    """Whether the name's extension and the content tell the same: container families count as one
    (mp4, mov, m4a; zip and office documents), an unknown extension claims nothing."""
    claimed = by_extension(extension_of(filename))
    found = sniff(head)
    if claimed is None:
        return True
    if found is None:
        return False
    if claimed.demuxer:
        return claimed.demuxer == found.demuxer
    zipped = (ZIP, DOCX, XLSX, PPTX)
    return claimed is found or (claimed is ZIP and found in zipped)
