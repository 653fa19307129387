"""Reads the structured fields (RFC 9651) and problem details (RFC 9457) of answers, strictly."""

from __future__ import annotations

import json
import re
from typing import Any

from tusprobe.raw import RawResponse

_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=(-?\d+)")
_INTEGER = re.compile(r"-?\d{1,15}")
_LIMITS = {"max-size", "min-size", "max-append-size", "min-append-size", "max-age", "expires"}


def integer(response: RawResponse, name: str) -> int:
    """Return the Integer of a field.

    Raises: AssertionError: the field is absent or no Integer.
    """
    value = response.get(name) or ""
    assert _INTEGER.fullmatch(value), f"{name}: {value!r} of {response}"
    return int(value)


def upload_limit(response: RawResponse) -> dict[str, int]:
    """Return the members of Upload-Limit that the draft knows; none where the field is absent.

    Raises: AssertionError: one of them is no Integer between 0 and 15 digits.
    """
    value = response.get("Upload-Limit") or ""
    found: dict[str, int] = {}
    for item in filter(None, (item.strip() for item in value.split(","))):
        if item.partition("=")[0].partition(";")[0] not in _LIMITS:
            continue
        match = _MEMBER.fullmatch(item.partition(";")[0])
        assert match, f"Upload-Limit: {value!r}: {item!r} is no member with an Integer"
        assert 0 <= int(match[2]) < 10**15, f"Upload-Limit: {value!r}"
        found[match[1]] = int(match[2])
    return found


def members(response: RawResponse) -> dict[str, Any]:
    """Return the object of a JSON answer; an empty one where it has no such content."""
    if not re.fullmatch(r"application/([a-z.-]+\+)?json(;.*)?", response.get("Content-Type") or ""):
        return {}
    found = json.loads(response.body)
    return found if isinstance(found, dict) else {}


def problem(response: RawResponse, name: str) -> dict[str, Any]:
    """Return the members of the problem of that name in IANA's registry of problem types."""
    assert (response.get("Content-Type") or "").startswith("application/problem+json"), response
    found = members(response)
    assert found.get("type") == f"https://iana.org/assignments/http-problem-types#{name}", found
    return found
