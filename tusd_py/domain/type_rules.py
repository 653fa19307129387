"""Compares names with contents, and applies the white list of extensions."""

import unicodedata
from collections.abc import Sequence
from typing import Final

from tusd_py.domain import filetypes as types
from tusd_py.domain.errors import TypeMismatch, TypeNotAllowed
from tusd_py.domain.file import File
from tusd_py.domain.filenames import extension_of
from tusd_py.domain.filetypes import OPAQUE, TYPE_FACT, FileType, by_extension, by_name
from tusd_py.domain.rendition import ORIGINAL
from tusd_py.domain.signatures.head_reader import HeadReader, is_text
from tusd_py.domain.signatures.identify import identify

TEXT_EXTENSIONS: Final = ("ts", "mts")
"""Extensions of a video that are also those of sources in TypeScript."""
NO_TEXT: Final = b"\0"
_TEXT_TYPES: Final = ("text", "application")
_KIN: Final = (
    types.LIKE_TIFF,
    (types.MPEG_TS, types.MPEG_PS, types.M2V),
    (types.HEIC, types.AVIF),
    (types.JP2, types.J2K),
    (types.AC3, types.EAC3),
    (types.WAV, types.W64),
)
"""Types to which programs give the same extensions."""
_GUESSED: Final = {
    types.MP3: (
        types.AAC, types.FLAC, types.APE, types.WAVPACK, types.TTA, types.AC3, types.EAC3,
        types.DTS,
    ),
    types.ZIP: types.ZIPPED,
}  # fmt: skip
"""Types that the beginning of a file shows, and the types that the whole may have instead."""
_LATE: Final = (
    types.MP3, types.AAC, types.AC3, types.EAC3, types.DTS, types.DV, types.H264, types.HEVC,
    types.M2V, types.MKV, types.WEBM, types.MOV,
)  # fmt: skip
"""Types that need several frames in a row, or follow a gap or a box.

A beginning may be too short for them.
"""


def check_declared(filename: str, filetype: str, allowed: Sequence[str]) -> None:
    """Refuse an extension that the white list does not allow, and a media type that contradicts it.

    Nothing is checked while ``allowed`` (extensions) is empty.

    Raises: TypeNotAllowed.
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
    if kind is None or declared in ("", OPAQUE, kind.mime):
        return
    if ext in TEXT_EXTENSIONS and declared.partition("/")[0] in _TEXT_TYPES:
        return
    if not _same_family(declared, kind):
        raise TypeNotAllowed("The declared type is not that of the file's name.")


def _same_family(declared: str, kind: FileType) -> bool:
    family = declared.partition("/")[0]
    if kind.family in ("document", "archive"):
        return family == "application"
    av = ("video", "audio")
    return family == kind.family or (family in av and kind.family in av)


def check_content(filename: str, reader: HeadReader, allowed: Sequence[str]) -> None:
    """Refuse, under a white list, content that is not of the kind that its extension claims.

    Content under an extension that is not in the table (a text, for example) must not be of a known
    type. With the beginning of a file (``size`` None) only what the rest cannot correct is refused.

    Raises: TypeMismatch.
    """
    if not allowed:
        return
    found, claimed = identify(reader), by_extension(extension_of(filename))
    waits = reader.size is None and claimed is not None and _may_become(claimed, found, reader.head)
    if not waits and not _is_as_named(filename, found, reader.head):
        raise TypeMismatch


def fits_name(filename: str, file: File) -> bool:
    """Return whether a file of the pool may have this name under a white list, by its record."""
    if file.main_name != ORIGINAL and TYPE_FACT not in file.facts:
        # From a version that made nothing of a file whose name disagreed with its content.
        return extension_of(filename) == extension_of(file.name)
    found = by_extension(file.ext.removeprefix("."))
    if file.main_name != ORIGINAL:
        found = by_name(str(file.facts[TYPE_FACT]))
    # It is not recorded whether bytes of no known type are text.
    return _is_as_named(filename, found, NO_TEXT)


def _is_as_named(filename: str, found: FileType | None, head: bytes) -> bool:
    if by_extension(extension_of(filename)) is None:
        return found is None
    return is_consistent(filename, found, head)


def _may_become(claimed: FileType, found: FileType | None, head: bytes) -> bool:
    if found is None:
        return claimed in _LATE and not is_text(head)
    return claimed in _GUESSED.get(found, ())


def is_consistent(filename: str, found: FileType | None, head: bytes) -> bool:
    """Return whether the name's extension claims the type that was found, or a similar one.

    An extension that is not in the table claims nothing. ``head``: the file's first bytes.
    """
    ext = extension_of(filename)
    claimed = by_extension(ext)
    if claimed is None or claimed is found:
        return True
    if found is None:
        return ext in TEXT_EXTENSIONS and is_text(head)
    if ext in found.extensions or (claimed.demuxer and claimed.demuxer == found.demuxer):
        return True
    if claimed in types.ZIPPED:
        return claimed is types.ZIP and found in types.ZIPPED
    return any(claimed in kin and found in kin for kin in _KIN)
