"""Evaluates the conditions of GET and HEAD by entity tag (RFC 9110, 13).

No answer has Last-Modified, so a condition by date is never true.
"""

import re
from typing import Final

_MEMBER: Final = re.compile(
    r"[ \t]*(?:(?:W/)?(\"[\x21\x23-\x7e\x80-\xff]*\")[ \t]*)?(?:,|\Z)", re.ASCII
)
"""A strong or weak entity tag, or an empty list member (RFC 9110, 5.6.1.2)."""


def is_held(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client has the content with this entity tag.

    Tags are compared as weak ones (RFC 9110, 13.1.2). A list that is malformed contains no tag.

    Args: etag: a strong tag with its quotes.
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
    """Return whether a range may be sent of the content with this entity tag.

    If the field has another tag, the client needs the whole content. Tags are compared as strong
    ones (RFC 9110, 13.1.5).
    """
    return if_range is None or if_range == etag
