"""Build the requests of tus 1.0; nothing here sends."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tusd_py.client.messages import FileRange, Request
from tusd_py.protocol.fields import metadata_header

TUS: Final = {"Tus-Resumable": "1.0.0"}
BODY: Final = {"Content-Type": "application/offset+octet-stream"}
_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


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
