"""Define requests and responses as values, and read numbers in responses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_DIGITS: Final = 18
"""The limit of a number of bytes that a server states: less than 2^63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """A range of a file, in bytes, as the body of a request."""

    file: Path
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that the runner must send."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: FileRange | bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A response; the names of ``headers`` are not case-sensitive."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


def byte_count(text: str) -> int | None:
    """Return the number of bytes that a header field states; None if it is not such a number."""
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        return int(text)
    return None
