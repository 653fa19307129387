"""Evaluates the conditions of a request, in the order of RFC 9110, 13.2.2.

If-Match and If-None-Match go before the fields with a date, and all of them before a range. A date
counts only where the answer would have Last-Modified.
"""

import re
from enum import Enum
from typing import Final

from tusd_py.domain.commands import Conditions
from tusd_py.protocol.fields import Fields, parse_date

_MEMBER: Final = re.compile(
    r"[ \t]*(?:((?:W/)?)(\"[\x21\x23-\x7e\x80-\xff]*\")[ \t]*)?(?:,|\Z)", re.ASCII
)
"""A strong or weak entity tag, or an empty list member (RFC 9110, 5.6.1.2)."""


class Verdict(Enum):
    """Names what the conditions demand."""

    PERFORM = "perform"
    NOT_MODIFIED = "not modified"
    """304: the client has the content."""
    FAILED = "failed"
    """412: the method must not be performed."""


def conditions_of(fields: Fields) -> Conditions:
    """Return the conditions as received; repeated fields are joined to one list."""
    return Conditions(
        if_match=fields.joined("If-Match"),
        if_unmodified_since=fields.joined("If-Unmodified-Since"),
        if_none_match=fields.joined("If-None-Match"),
        if_modified_since=fields.joined("If-Modified-Since"),
        if_range=fields.joined("If-Range"),
    )


def evaluate(
    conditions: Conditions, etag: str | None, modified: float | None = None, *, reads: bool = True
) -> Verdict:
    """Return whether the method may be performed.

    Args: etag: the strong tag of the content with its quotes; None: there is no content yet.
        modified: unix seconds that Last-Modified of the answer tells; None: it has none.
        reads: whether the method is GET or HEAD.
    """
    if conditions.if_match is not None:
        if not _names(conditions.if_match, etag, weak=False):
            return Verdict.FAILED
    elif modified is not None and modified > _date(conditions.if_unmodified_since, modified):
        return Verdict.FAILED
    if conditions.if_none_match is not None:
        if _names(conditions.if_none_match, etag, weak=True):
            return Verdict.NOT_MODIFIED if reads else Verdict.FAILED
    elif reads and modified is not None and modified <= _date(conditions.if_modified_since, -1):
        return Verdict.NOT_MODIFIED
    return Verdict.PERFORM


def allows_range(if_range: str | None, etag: str) -> bool:
    """Return whether a range may be sent of the content with this entity tag.

    If the field has another tag, the client needs the whole content. Tags are compared as strong
    ones. A date never allows a range, since several contents may have the same one (RFC 9110,
    13.1.5).
    """
    return if_range is None or if_range == etag


def _names(text: str, etag: str | None, *, weak: bool) -> bool:
    """Return whether a list of entity tags names the content. A malformed list names none.

    Args: weak: whether a weak tag may name it (RFC 9110, 13.1.2), or only a strong one (13.1.1).
    """
    if etag is None:
        return False
    if text == "*":
        return True
    found, at = False, 0
    while at < len(text):
        member = _MEMBER.match(text, at)
        if member is None:
            return False
        found = found or (member[2] == etag and (weak or not member[1]))
        at = member.end()
    return found


def _date(text: str | None, otherwise: float) -> float:
    """Return the unix seconds of a date; ``otherwise`` if it is absent or is no date."""
    found = None if text is None else parse_date(text)
    return otherwise if found is None else found
