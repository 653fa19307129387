"""Parses byte ranges of GET (RFC 9110, 14): one range is served, otherwise the whole file."""

import re
from typing import Final

_SINGLE: Final = re.compile(r"bytes=(?:([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19}))")


class Unsatisfiable(Exception):
    """Is raised when the range begins after the end of the file: 416."""


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the length of the requested range; None: the whole file.

    A malformed or multiple range is ignored, as RFC 9110, 14.2 allows. Sizes are in bytes.
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
