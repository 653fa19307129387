"""Reads for how long a client wants a link."""

from typing import Any

from tusd_py.domain.errors import ProtocolError
from tusd_py.http.json_body import whole_number


def link_seconds(members: dict[str, Any], *, default: int, most: int) -> int:
    """Return the member ``seconds``, or the default. Raises: ProtocolError."""
    seconds = whole_number(members.get("seconds", default))
    if seconds is None or not 1 <= seconds <= most:
        raise ProtocolError(f"The member seconds must be a number from 1 to {most}.")
    return seconds
