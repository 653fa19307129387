"""Byte ranges of GET (RFC 9110, 14): one range is served, anything else is the whole file."""

import re
from typing import Final

_SINGLE: Final = re.compile(r"bytes=(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))")


class Unsatisfiable(Exception):
    """Raised when the range begins behind the end: 416."""


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length of the range asked for; None: the whole file.

    A malformed or multiple range is ignored, as RFC 9110, 14.2 allows. Sizes in bytes.
    Raises: Unsatisfiable.
    """
    match = _SINGLE.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    if match[3] is not None:
        length = min(int(match[3]), size)
        first, last = size - length, size - 1
    else:
        first = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return None
    if first >= size or last < first:
        raise Unsatisfiable
    return first, last - first + 1
