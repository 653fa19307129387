"""Reads for how long a client wants a link."""

from typing import Any

from tusd_py.domain.errors import ProtocolError


def link_seconds(members: dict[str, Any], *, default: int, most: int) -> int:
    """Return the member ``seconds``, or the default. Raises: ProtocolError."""
    seconds = members.get("seconds", default)
    # JSON may write a whole number with a fraction of zero.
    whole = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds % 1 == 0
    if not whole or not 1 <= seconds <= most:
        raise ProtocolError(f"The member seconds must be a number from 1 to {most}.")
    return int(seconds)
