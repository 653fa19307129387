"""Finds what is known of a content: a type that the worker processes, or any other."""

from typing import Final

from tusd_py.domain.other_types import COMPOUND, COMPOUND_START, TEXT, Kind, by_media_type
from tusd_py.domain.signatures.head_reader import HeadReader, is_text
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.signatures.libmagic import media_type

_PDF: Final = b"%PDF-"
_PDF_WITHIN_BYTES: Final = 1024
"""Readers accept other bytes before a PDF, which may be all text. Source: ISO 32000-1, annex H."""


def recognise(reader: HeadReader) -> Kind | None:
    """Return the type of a content; None: it is not known.

    What is known by the beginning of a file is not contradicted by the rest of it.

    Raises: what ``reader.read`` raises.
    """
    found = identify(reader)
    if found is not None or not reader.head:
        return found
    if reader.head.startswith(COMPOUND_START):
        return COMPOUND
    if is_text(reader.head):
        return None if _PDF in reader.head[:_PDF_WITHIN_BYTES] else TEXT
    return by_media_type(media_type(reader.head))
