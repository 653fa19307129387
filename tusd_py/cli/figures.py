"""Write sizes, rates and times for people."""

from datetime import datetime
from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def size_text(size: float) -> str:
    """Return a number of bytes in decimal units, as the page has them: 1 MB is 1,000,000 bytes."""
    at = 0
    while size >= (999.95 if at else 1000) and at < len(_UNITS) - 1:
        size /= 1000
        at += 1
    return f"{round(size, 1) if at else round(size):g} {_UNITS[at]}"


def local_time(moment: str) -> str:
    """Return a time of RFC 3339 in the time zone of this machine, to the minute.

    What is not such a time is returned as it is.
    """
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return moment


def duration_text(seconds: float) -> str:
    """Return a time in hours, minutes and seconds, such as ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
