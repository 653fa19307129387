"""Write times for people."""

from datetime import datetime


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
