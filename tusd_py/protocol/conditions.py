"""Conditions of GET and HEAD by entity tag (RFC 9110, 13). No answer has Last-Modified, so that a condition
by date is never true."""

import re
from typing import Final

_MEMBER: Final = re.compile(
    r"[ \t]*(?:(?:W/)?(\"[\x21\x23-\x7e\x80-\xff]*\")[ \t]*)?(?:,|\Z)", re.ASCII
)
"""An entity tag with or without the mark of weak ones, or nothing (RFC 9110, 5.6.1.2)."""


def is_held(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client says that it has what ``etag`` names, which is a strong tag with its quotes.

    Tags are compared as weak ones (RFC 9110, 13.1.2). A list that is malformed names nothing.
    """
    if if_none_match is None:
        return False
    if if_none_match == "*":
        return True
    found, at = False, 0
    while at < len(if_none_match):
        member = _MEMBER.match(if_none_match, at)
        if member is None:
            return False
        found = found or member[1] == etag
        at = member.end()
    return found


def allows_range(if_range: str | None, etag: str) -> bool:
    """Return whether a range may be sent of what ``etag`` names: where the field names another content,
    the client needs the whole. Tags are compared as strong ones (RFC 9110, 13.1.5)."""
    return if_range is None or if_range == etag
