"""Writes the body of a refusal: an RFC 9457 problem with two more members, for all layers."""

import json
from http import HTTPStatus


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


def problem(status: int, code: str, detail: str, error: str) -> bytes:
    """Return the members of a problem as UTF-8 JSON."""
    return json.dumps(problem_members(status, code, detail, error), ensure_ascii=False).encode()
