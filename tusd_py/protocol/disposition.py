"""Reads the name of a file from Content-Disposition (RFC 6266)."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

_QUOTED: Final = re.compile(rb'"(?:\\.|[^"\\])*+("?)')
"""A quoted string, or the rest if it does not end: each byte is read once, whatever was sent."""
_EXTENDED_NAME: Final = re.compile(
    rb";[ \t]*filename\*[ \t]*=[ \t]*(UTF-8|ISO-8859-1)'[^';\s]*'([^;\s]*)", re.IGNORECASE
)
"""The name in the form of RFC 8187."""


def filename_of(disposition: bytes) -> str | None:
    """Return the name as it was sent; None if there is none, '' if it is empty.

    The name in the form of RFC 8187 goes before the plain one (RFC 6266, 4.3). RFC 7578, 4.2
    forbids it in forms; some clients send it all the same.
    """
    unquoted = _QUOTED.sub(lambda quoted: b'""' if quoted[1] else quoted[0], disposition)
    match = _EXTENDED_NAME.search(unquoted)
    if match is not None:
        return unquote_to_bytes(match[2]).decode(match[1].decode("ascii"), "replace")
    plain = parse_options_header(disposition)[1].get(b"filename")
    return None if plain is None else plain.decode("utf-8", "replace")
