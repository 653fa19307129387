"""Answers without a body, at the cost that a small upload can bear."""

from collections.abc import Mapping
from functools import lru_cache

from starlette.responses import Response


class EmptyResponse(Response):
    """Is an answer without a body; what Starlette makes of the same arguments costs three times."""

    def __init__(self, status_code: int, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.background = None
        self.body = b""
        self.raw_headers = [
            (_name_bytes(name), value.encode("latin-1")) for name, value in headers.items()
        ]
        if status_code != 204:
            self.raw_headers.append((b"content-length", b"0"))


@lru_cache(64)
def _name_bytes(name: str) -> bytes:
    return name.lower().encode("latin-1")
