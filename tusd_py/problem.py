"""Writes the body of a refusal: an RFC 9457 problem with two more members, for all layers."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

NO_MEMBERS: Final[Mapping[str, Any]] = MappingProxyType({})


def problem_members(status: int, code: str, detail: str, error: str) -> dict[str, str | int]:
    """Return the members: also the stable ``code``, and ``error`` of the original API."""
    title = "Checksum Mismatch" if status == 460 else HTTPStatus(status).phrase
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "error": error,
    }


def problem(
    status: int, code: str, detail: str, error: str, members: Mapping[str, Any] = NO_MEMBERS
) -> bytes:
    """Return the members of a problem as UTF-8 JSON.

    Args: members: further ones, and those that take the place of the usual ones.
    """
    usual = problem_members(status, code, detail, error)
    return json.dumps({**usual, **members}, ensure_ascii=False).encode()
