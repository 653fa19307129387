"""Writes sizes for people."""

from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def size_text(size: float) -> str:
    """Return a number of bytes in decimal units, as the page has them: 1 MB is 1,000,000 bytes."""
    at = 0
    while size >= (999.95 if at else 1000) and at < len(_UNITS) - 1:
        size /= 1000
        at += 1
    return f"{round(size, 1) if at else round(size):g} {_UNITS[at]}"
