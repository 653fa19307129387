"""The body of a refusal: an RFC 9457 problem with two more members, for every layer that answers."""

import json
from http import HTTPStatus


def problem(status: int, code: str, detail: str, error: str) -> bytes:
    """Return JSON in UTF-8 with the stable ``code``, and the original API's member ``error``."""
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
