"""Defines the known types of files.

Content decides what a file is (``domain.signatures``), and a name only claims it
(``domain.type_rules``). A type that is not in the table is opaque bytes. ``demuxer`` is the only
one that ffmpeg may use for the type: ffmpeg must not guess, since a playlist with the name of a
video could otherwise read other files of the same folder.
"""

from dataclasses import dataclass
from typing import Final

OPAQUE: Final = "application/octet-stream"
TYPE_FACT: Final = "type"
"""Fact about a file: the name of its type as it was sent; absent if the type is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileType:
    """Is a type that is recognised by content.

    Extensions are without the dot, the usual one first.
    """

    name: str
    family: str
    """video, audio, image, document or archive."""
    mime: str
    extensions: tuple[str, ...]
    demuxer: str = ""
    """ffmpeg's name for the container; '' if ffmpeg reads no such file."""
    untouched: bool = False
    """Whether a video, a sound or a picture of this type is always kept as it was sent.

    What a camera's raw data show depends on the program that renders them, a MIDI file has no sound
    of its own, and a part of a stream is no whole film.
    """


def _type(
    family: str,
    name: str,
    mime: str,
    extensions: str,
    demuxer: str = "",
    *,
    untouched: bool = False,
) -> FileType:
    return FileType(
        name=name,
        family=family,
        mime=mime,
        extensions=tuple(extensions.split()),
        demuxer=demuxer,
        untouched=untouched,
    )


def _raw(name: str, mime: str, extensions: str) -> FileType:
    return _type("image", name, mime, extensions, untouched=True)


MP4: Final = _type("video", "mp4", "video/mp4", "mp4 m4v f4v insv lrv", "mov")
MOV: Final = _type("video", "mov", "video/quicktime", "mov qt", "mov")
THREE_GP: Final = _type("video", "3gp", "video/3gpp", "3gp 3g2 3gpp 3gpp2", "mov")
MJ2: Final = _type("video", "mj2", "video/mj2", "mj2 mjp2", "mov")
SEGMENT: Final = _type("video", "m4s", "video/iso.segment", "m4s", untouched=True)
M4A: Final = _type("audio", "m4a", "audio/mp4", "m4a m4b m4r f4a f4b", "mov")
MKV: Final = _type("video", "mkv", "video/x-matroska", "mkv mka mk3d", "matroska")
WEBM: Final = _type("video", "webm", "video/webm", "webm weba", "matroska")
AVI: Final = _type("video", "avi", "video/x-msvideo", "avi divx", "avi")
MPEG_TS: Final = _type("video", "ts", "video/mp2t", "ts m2ts mts m2t tp trp", "mpegts")
MPEG_PS: Final = _type("video", "mpg", "video/mpeg", "mpg mpeg vob m2p mod tod vro", "mpeg")
M2V: Final = _type("video", "m2v", "video/mpeg", "m2v m1v mpv", "mpegvideo")
H264: Final = _type("video", "h264", "video/h264", "h264 264 avc jsv", "h264")
HEVC: Final = _type("video", "hevc", "video/h265", "hevc h265 265", "hevc")
IVF: Final = _type("video", "ivf", "video/x-ivf", "ivf", "ivf")
Y4M: Final = _type("video", "y4m", "video/x-yuv4mpeg", "y4m", "yuv4mpegpipe")
DV: Final = _type("video", "dv", "video/dv", "dv dif", "dv")
MXF: Final = _type("video", "mxf", "application/mxf", "mxf", "mxf")
GXF: Final = _type("video", "gxf", "application/gxf", "gxf", "gxf")
NUT: Final = _type("video", "nut", "video/x-nut", "nut", "nut")
RM: Final = _type("video", "rm", "application/vnd.rn-realmedia", "rm rmvb ra", "rm")
FLV: Final = _type("video", "flv", "video/x-flv", "flv", "flv")
ASF: Final = _type("video", "wmv", "video/x-ms-wmv", "wmv asf", "asf")
WMA: Final = _type("audio", "wma", "audio/x-ms-wma", "wma", "asf")
OGG: Final = _type("audio", "ogg", "audio/ogg", "ogg oga opus spx", "ogg")
OGV: Final = _type("video", "ogv", "video/ogg", "ogv ogm ogx", "ogg")
MP3: Final = _type("audio", "mp3", "audio/mpeg", "mp3 mp2 mp1 mpa", "mp3")
AAC: Final = _type("audio", "aac", "audio/aac", "aac adts", "aac")
AC3: Final = _type("audio", "ac3", "audio/ac3", "ac3", "ac3")
EAC3: Final = _type("audio", "eac3", "audio/eac3", "eac3 ec3", "eac3")
DTS: Final = _type("audio", "dts", "audio/vnd.dts", "dts", "dts")
FLAC: Final = _type("audio", "flac", "audio/flac", "flac", "flac")
WAV: Final = _type("audio", "wav", "audio/wav", "wav wave bwf rf64", "wav")
W64: Final = _type("audio", "w64", "audio/x-w64", "w64", "w64")
AIFF: Final = _type("audio", "aiff", "audio/aiff", "aiff aif aifc", "aiff")
CAF: Final = _type("audio", "caf", "audio/x-caf", "caf", "caf")
WAVPACK: Final = _type("audio", "wavpack", "audio/x-wavpack", "wv", "wv")
APE: Final = _type("audio", "ape", "audio/x-ape", "ape", "ape")
TTA: Final = _type("audio", "tta", "audio/x-tta", "tta", "tta")
AU: Final = _type("audio", "au", "audio/basic", "au snd", "au")
AMR: Final = _type("audio", "amr", "audio/amr", "amr awb", "amr")
MIDI: Final = _type("audio", "midi", "audio/midi", "mid midi kar rmi", untouched=True)
JPEG: Final = _type("image", "jpeg", "image/jpeg", "jpg jpeg jpe jfif mpo insp")
PNG: Final = _type("image", "png", "image/png", "png apng")
GIF: Final = _type("image", "gif", "image/gif", "gif")
WEBP: Final = _type("image", "webp", "image/webp", "webp")
BMP: Final = _type("image", "bmp", "image/bmp", "bmp dib")
TIFF: Final = _type("image", "tiff", "image/tiff", "tif tiff btf tf8")
HEIC: Final = _type("image", "heic", "image/heic", "heic heif hif heics heifs")
AVIF: Final = _type("image", "avif", "image/avif", "avif avifs")
JXL: Final = _type("image", "jxl", "image/jxl", "jxl")
JP2: Final = _type("image", "jp2", "image/jp2", "jp2 jpx jpf jpm")
J2K: Final = _type("image", "j2k", "image/j2c", "j2k j2c jpc jhc")
PSD: Final = _type("image", "psd", "image/vnd.adobe.photoshop", "psd psb")
ICO: Final = _type("image", "ico", "image/vnd.microsoft.icon", "ico cur")
DNG: Final = _raw("dng", "image/x-adobe-dng", "dng")
CR2: Final = _raw("cr2", "image/x-canon-cr2", "cr2")
CR3: Final = _raw("cr3", "image/x-canon-cr3", "cr3")
CRW: Final = _raw("crw", "image/x-canon-crw", "crw")
NEF: Final = _raw("nef", "image/x-nikon-nef", "nef nrw")
ARW: Final = _raw("arw", "image/x-sony-arw", "arw sr2 srf")
RAF: Final = _raw("raf", "image/x-fuji-raf", "raf")
ORF: Final = _raw("orf", "image/x-olympus-orf", "orf")
RW2: Final = _raw("rw2", "image/x-panasonic-rw2", "rw2 rwl")
PEF: Final = _raw("pef", "image/x-pentax-pef", "pef")
SRW: Final = _raw("srw", "image/x-samsung-srw", "srw")
X3F: Final = _raw("x3f", "image/x-sigma-x3f", "x3f")
CAMERA_RAW: Final = _raw("raw", "image/x-dcraw", "raw 3fr fff iiq mef mos erf kdc dcr k25")
PDF: Final = _type("document", "pdf", "application/pdf", "pdf")
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
DOCX: Final = _type("document", "docx", f"{_OFFICE}wordprocessingml.document", "docx docm dotx")
XLSX: Final = _type("document", "xlsx", f"{_OFFICE}spreadsheetml.sheet", "xlsx xlsm xltx")
PPTX: Final = _type("document", "pptx", f"{_OFFICE}presentationml.presentation", "pptx pptm ppsx")
_OPEN: Final = "application/vnd.oasis.opendocument."
ODT: Final = _type("document", "odt", f"{_OPEN}text", "odt ott")
ODS: Final = _type("document", "ods", f"{_OPEN}spreadsheet", "ods ots")
ODP: Final = _type("document", "odp", f"{_OPEN}presentation", "odp otp")
EPUB: Final = _type("document", "epub", "application/epub+zip", "epub")
ZIP: Final = _type("archive", "zip", "application/zip", "zip jar apk ipa xpi cbz kmz usdz whl")
GZIP: Final = _type("archive", "gzip", "application/gzip", "gz tgz")
SEVEN_ZIP: Final = _type("archive", "7z", "application/x-7z-compressed", "7z")
RAR: Final = _type("archive", "rar", "application/vnd.rar", "rar cbr")

ZIPPED: Final = (ZIP, DOCX, XLSX, PPTX, ODT, ODS, ODP, EPUB)
"""Types whose files are ZIP archives."""
LIKE_TIFF: Final = (TIFF, DNG, CR2, NEF, ARW, PEF, SRW, CAMERA_RAW)
"""Types whose files begin as a TIFF file does."""

TYPES: Final = (
    MP4, MOV, THREE_GP, MJ2, SEGMENT, M4A, MKV, WEBM, AVI, MPEG_TS, MPEG_PS, M2V, H264, HEVC, IVF,
    Y4M, DV, MXF, GXF, NUT, RM, FLV, ASF, WMA, OGG, OGV, MP3, AAC, AC3, EAC3, DTS, FLAC, WAV, W64,
    AIFF, CAF, WAVPACK, APE, TTA, AU, AMR, MIDI, JPEG, PNG, GIF, WEBP, BMP, TIFF, HEIC, AVIF, JXL,
    JP2, J2K, PSD, ICO, DNG, CR2, CR3, CRW, NEF, ARW, RAF, ORF, RW2, PEF, SRW, X3F, CAMERA_RAW, PDF,
    DOCX, XLSX, PPTX, ODT, ODS, ODP, EPUB, ZIP, GZIP, SEVEN_ZIP, RAR,
)  # fmt: skip

_BY_EXTENSION: Final = {ext: kind for kind in reversed(TYPES) for ext in kind.extensions}
_BY_NAME: Final = {kind.name: kind for kind in TYPES}


def by_extension(ext: str) -> FileType | None:
    """Return the type that an extension (without the dot, lower case) claims; None if unknown."""
    return _BY_EXTENSION.get(ext)


def by_name(name: str) -> FileType | None:
    """Return the type of this name; None if there is none."""
    return _BY_NAME.get(name)
