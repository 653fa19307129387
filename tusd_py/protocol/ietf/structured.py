"""Reads structured fields (RFC 9651) as the draft does: a malformed field counts as none.

A parameter behind a value is allowed and means nothing. A repeated field is no item.
"""

import http_sf


def integer(text: str | None) -> int | None:
    """Return a non-negative integer of at most 15 digits; None: the field is absent or no such."""
    value = _item(text)
    return value if type(value) is int and value >= 0 else None


def boolean(text: str | None) -> bool | None:
    """Return the value of ``?1`` or ``?0``; None: the field is absent or neither."""
    value = _item(text)
    return value if type(value) is bool else None


def byte_sequence(text: str | None, key: str) -> bytes | None:
    """Return the bytes of a dictionary's member; None: it has none, or the field is malformed."""
    value = _member(text, key)
    return value if isinstance(value, bytes) else None


def integer_member(text: str | None, key: str) -> int | None:
    """Return the integer of a dictionary's member; None: it has none, or the field is malformed."""
    value = _member(text, key)
    return value if type(value) is int else None


def preference(text: str | None, key: str) -> int:
    """Return the integer of a dictionary's member; 0: it has none, or the field is malformed."""
    return integer_member(text, key) or 0


def _member(text: str | None, key: str) -> object:
    try:
        found = http_sf.parse((text or "").encode("latin-1"), tltype="dictionary")
    except ValueError:
        return None
    member = found.get(key) if isinstance(found, dict) else None
    return member[0] if isinstance(member, tuple) else None


def _item(text: str | None) -> object:
    if text is None:
        return None
    try:
        parsed = http_sf.parse(text.encode("latin-1"), tltype="item")
    except ValueError:
        return None
    return parsed[0] if isinstance(parsed, tuple) else None


def boolean_text(value: bool) -> str:
    """Return a Boolean as a structured field has it."""
    return "?1" if value else "?0"
