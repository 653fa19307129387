"""Compares names with contents, and applies the white list of extensions.

The type that a client declares is not judged: it is what its system makes of the name.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final

from tusd_py.domain import filetypes as types
from tusd_py.domain.errors import TypeMismatch, TypeNotAllowed
from tusd_py.domain.file import File
from tusd_py.domain.filenames import extension_of
from tusd_py.domain.filetypes import TYPE_FACT, FileType, by_extension, by_name
from tusd_py.domain.other_types import TEXT, Kind, claimed_by
from tusd_py.domain.rendition import ORIGINAL
from tusd_py.domain.signatures.head_reader import HeadReader, is_text
from tusd_py.domain.signatures.recognise import recognise

_KIN: Final = (
    types.LIKE_TIFF,
    (types.MPEG_TS, types.MPEG_PS, types.M2V),
    (types.MP4, types.M4A, types.SEGMENT),
    (types.CAMERA_RAW, types.RW2),
    (types.HEIC, types.AVIF),
    (types.JP2, types.J2K),
    (types.AC3, types.EAC3),
    (types.WAV, types.W64),
)
"""Types to which programs give the same extensions."""


def check_name(filename: str, allowed: Sequence[str]) -> None:
    """Refuse an extension that the white list does not allow, and control characters.

    Nothing is checked while ``allowed`` (extensions) is empty.

    Raises: TypeNotAllowed.
    """
    if not allowed:
        return
    if extension_of(filename) not in {entry.lower().lstrip(".") for entry in allowed}:
        raise TypeNotAllowed
    if any(unicodedata.category(char) == "Cc" for char in filename):
        raise TypeNotAllowed("The file name has control characters.")


def check_content(filename: str, reader: HeadReader, allowed: Sequence[str]) -> None:
    """Refuse, under a white list, content that is known to be none of what its name may mean.

    With the beginning of a file (``size`` None) nothing is refused that the whole would not be.

    Raises: TypeMismatch.
    """
    if not allowed:
        return
    claims = claimed_by(extension_of(filename))
    # What is not known, by its name or by its content, can't be wrong.
    found = recognise(reader) if claims else None
    if found is not None and not any(_may_be(found, claim, filename) for claim in claims):
        raise TypeMismatch


def _may_be(found: Kind, claim: Kind, filename: str) -> bool:
    if not isinstance(found, FileType) or not isinstance(claim, FileType):
        return found is claim
    # An archive of which no more is known may be a document of any kind.
    return _is_alike(found, claim, filename) or (found is types.ZIP and claim in types.ZIPPED)


def fits_name(filename: str, file: File) -> bool:
    """Return whether a file of the pool may have this name under a white list, by its record.

    If its record does not show that, it is not known, and the bytes have to be sent.
    """
    ext = extension_of(filename)
    if file.main_name != ORIGINAL and TYPE_FACT not in file.facts:
        # From a version that made nothing of a file whose name disagreed with its content.
        return ext == extension_of(file.name)
    found = by_extension(file.ext.removeprefix("."))
    if file.main_name != ORIGINAL:
        found = by_name(str(file.facts[TYPE_FACT]))
    claimed = by_extension(ext)
    if found is None or claimed is None:
        # The content is as another name of the same kind: the record has no more about it.
        same_kind = claimed_by(ext) == claimed_by(extension_of(file.name))
        return found is None and claimed is None and same_kind
    return _is_alike(found, claimed, filename)


def is_consistent(filename: str, found: FileType | None, head: bytes) -> bool:
    """Return whether the name's extension claims the type that was found, or a similar one.

    An extension that is not in the table claims nothing. ``head``: the file's first bytes.
    """
    ext = extension_of(filename)
    claimed = by_extension(ext)
    if claimed is None:
        return True
    if found is None:
        return ext in TEXT.extensions and is_text(head)
    return _is_alike(found, claimed, filename)


def _is_alike(found: FileType, claimed: FileType, filename: str) -> bool:
    if claimed is found or extension_of(filename) in found.extensions:
        return True
    if claimed.demuxer and claimed.demuxer == found.demuxer:
        return True
    if claimed in types.ZIPPED:
        return claimed is types.ZIP and found in types.ZIPPED
    return any(claimed in kin and found in kin for kin in _KIN)
