"""Recognises files of boxes: MP4, QuickTime, HEIF, AVIF, JPEG 2000, JPEG XL.

Sources: ISO/IEC 14496-12 (boxes, brands), 23008-12 and the AVIF specification (pictures), 15444-1
(JPEG 2000), 18181-2 (JPEG XL); registered brands: https://mp4ra.org/registered-types/brands;
QuickTime File Format (files without ``ftyp``).
"""

from typing import Final

from tusd_py.domain.filetypes import (
    AVIF,
    CR3,
    HEIC,
    JP2,
    JXL,
    M4A,
    MJ2,
    MOV,
    MP4,
    SEGMENT,
    THREE_GP,
    FileType,
)
from tusd_py.domain.signatures.head_reader import HeadReader

_MAX_BRANDS: Final = 64
_AVIF_BRANDS: Final = frozenset(b"avif avis avio MA1A MA1B".split())
_HEIF_BRANDS: Final = frozenset(
    b"heic heix heim heis hevc hevx hevm hevs MiHB MiHA MiHE MiCm MiAn MiPr avci avcs jpeg jpgs"
    b" j2ki j2is vvic vvis evbi evbs unif".split()
)
_PICTURE_BRANDS: Final = frozenset(b"mif1 mif2 mif3 msf1 miaf".split())
"""Brands of pictures in any coding, HEVC and AV1 among them."""
_RAW_BRAND: Final = b"crx "
_FILM_BRANDS: Final = (
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 isoa isob isoc mp41 mp42 mp71 avc1 hvc1 hev1"
    b" av01 dby1 MSNV mmp4 dash cmfc cmff cmfs piff XAVC CAEP caqv FFMP M4VH M4VP".split()
)
_BRANDS: Final = {
    **dict.fromkeys((*_FILM_BRANDS, b"M4V ", b"F4V ", b"F4P "), MP4),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), M4A),
    **dict.fromkeys((b"qt  ", b"mqt "), MOV),
    b"KDDI": THREE_GP,
}
"""Brands of films and sound. A brand that is in no list does not make a file a film."""
_PHONE_BRANDS: Final = (b"3gp", b"3gg", b"3gr", b"3gs", b"3ge", b"3g2")
_BARE_BOXES: Final = (b"mdat", b"free", b"skip")
_KNOWN_BOXES: Final = frozenset(
    b"ftyp moov mdat wide free skip pnot PICT uuid udta meta moof mfra styp sidx".split()
)
_MOVIE_BOXES: Final = frozenset(b"mvhd cmov rmra trak udta iods prfl mvex meta".split())
_LARGEST_GUESSED: Final = 1 << 24


def boxed(reader: HeadReader) -> FileType | None:
    """Return the type of a file of boxes; None if it is not such a file."""
    head = reader.head
    if head.startswith(b"\0\0\0\x0cJXL \r\n\x87\n"):
        return JXL
    if head.startswith(b"\0\0\0\x0cjP  \r\n\x87\n"):
        return MJ2 if b"mjp2" in _brands(head, 12) else JP2
    match head[4:8]:
        case b"ftyp":
            return _by_brands(_brands(head, 0))
        case b"styp":
            return SEGMENT if _brands(head, 0) else None
    return MOV if _is_quicktime(reader) else None


def _brands(head: bytes, start: int) -> tuple[bytes, ...]:
    """Return the brands of the type box at ``start``, the major one first."""
    size = int.from_bytes(head[start : start + 4], "big")
    if size < 16 or size % 4 or size > 16 + 4 * _MAX_BRANDS:
        # The box is damaged, or is no type box: only its major brand is used.
        return (head[start + 8 : start + 12],) if size >= 12 else ()
    ends = min(start + size, len(head))
    others = (head[at : at + 4] for at in range(start + 16, ends, 4))
    return head[start + 8 : start + 12], *others


def _by_brands(brands: tuple[bytes, ...]) -> FileType | None:
    """Return the type that the brands name.

    A picture's brand has precedence over a film's: a camera's raw picture is ``isom``, too.
    """
    every = set(brands)
    if _RAW_BRAND in every:
        return CR3
    if every & (_AVIF_BRANDS | _HEIF_BRANDS | _PICTURE_BRANDS):
        is_avif = every & _AVIF_BRANDS and (brands[0] in _AVIF_BRANDS or not every & _HEIF_BRANDS)
        return AVIF if is_avif else HEIC
    for brand in brands:
        kind = THREE_GP if brand.startswith(_PHONE_BRANDS) else _BRANDS.get(brand)
        if kind is not None:
            return kind
    return None


def _is_quicktime(reader: HeadReader) -> bool:
    """Return whether these are the boxes of old cameras and programs, which write no type box."""
    head = reader.head
    size, name = int.from_bytes(head[:4], "big"), head[4:8]
    match name:
        case b"moov":
            return size >= 16 and head[12:16] in _MOVIE_BOXES
        case b"wide":
            return size == 8 and head[12:16] in (*_BARE_BOXES, b"moov")
        case b"pnot":
            return size == 20 and head[24:28] in _KNOWN_BOXES
    return name in _BARE_BOXES and _is_first_box(reader, size)


def _is_first_box(reader: HeadReader, size: int) -> bool:
    if size == 1:
        size = int.from_bytes(reader.head[8:16], "big")
    if size < 8:
        return False
    following = reader.read_at(size, 8)
    if following is None:
        return False
    if following:
        return following[4:8] in _KNOWN_BOXES
    # The box ends beyond the file. A text may begin with the letters of a name, too.
    return size < _LARGEST_GUESSED or (
        reader.head[4:8] == b"mdat" and not _is_printable(reader.head[:4])
    )


def _is_printable(data: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in data)
