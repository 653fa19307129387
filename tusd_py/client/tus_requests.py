"""Build the requests of tus 1.0, and read the fields of responses; nothing here sends."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tusd_py.protocol.fields import metadata_header

TUS: Final = {"Tus-Resumable": "1.0.0"}
BODY: Final = {"Content-Type": "application/offset+octet-stream"}
_MAX_DIGITS: Final = 18
"""The limit of a number of bytes that a server states: less than 2^63."""
_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


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


def creation(
    endpoint: str,
    length: int | None,
    metadata: Mapping[str, str],
    more: Mapping[str, str] = _NO_FIELDS,
) -> Request:
    """Return the request that creates an upload.

    Args: length: in bytes, None: it is sent later; more: further header fields.
    """
    size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    headers = {**TUS, **size, "Upload-Metadata": metadata_header(metadata), **more}
    return Request(method="POST", url=endpoint, headers=headers)


def offset_request(url: str, more: Mapping[str, str] = _NO_FIELDS) -> Request:
    """Return the request for the offset of an upload."""
    return Request(method="HEAD", url=url, headers={**TUS, **more})


def append_request(
    url: str, offset: int, body: FileRange | bytes, more: Mapping[str, str] = _NO_FIELDS
) -> Request:
    """Return the request that sends bytes of an upload from ``offset`` on."""
    length = len(body) if isinstance(body, bytes) else body.length
    fields = {"Upload-Offset": str(offset), "Content-Length": str(length)}
    return Request(method="PATCH", url=url, headers={**TUS, **BODY, **fields, **more}, body=body)


def termination(url: str) -> Request:
    """Return the request that terminates an upload."""
    return Request(method="DELETE", url=url, headers=TUS)


def byte_count(text: str) -> int | None:
    """Return the number of bytes that a header field states; None if it is not such a number."""
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS:
        return int(text)
    return None
