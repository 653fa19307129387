"""Writes the body of a refusal: an RFC 9457 problem with two more members, for all layers."""

import json
from http import HTTPStatus


def problem(status: int, code: str, detail: str, error: str) -> bytes:
    """Return UTF-8 JSON with the stable ``code``, and the member ``error`` of the original API."""
    title = "Checksum Mismatch" if status == 460 else HTTPStatus(status).phrase
    members = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "error": error,
    }
    return json.dumps(members, ensure_ascii=False).encode()
