"""Writes the body of a refusal: an RFC 9457 problem with two more members, for all layers."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

NO_MEMBERS: Final[Mapping[str, Any]] = MappingProxyType({})


def problem(
    status: int, code: str, detail: str, error: str, members: Mapping[str, Any] = NO_MEMBERS
) -> bytes:
    """Return UTF-8 JSON with the stable ``code``, and the member ``error`` of the original API.

    Args: members: further ones, and those that take the place of the usual ones.
    """
    title = "Checksum Mismatch" if status == 460 else HTTPStatus(status).phrase
    usual = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "error": error,
    }
    return json.dumps({**usual, **members}, ensure_ascii=False).encode()
