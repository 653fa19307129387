"""Interprets the head fields that concern the connection; field names are in lower case."""

import re
from typing import Final

from tusd_py.ingest.refusals import Refusal, TransferCodingRefused

Fields = list[tuple[bytes, bytes]]

_AUTHORITY: Final = re.compile(rb"[^:/?#]+://([^/?#]*)")


def check_transfer_coding(value: bytes, before: Fields, version: str) -> None:
    """Check one field Transfer-Encoding (RFC 9112, 6.1). ``before`` are the fields before it.

    Raises: Refusal: it is not only chunked, or the HTTP version has no transfer codings.
    """
    if version != "1.1":
        raise Refusal
    named_before = any(name == b"transfer-encoding" for name, _ in before)
    if named_before or value.strip().lower() != b"chunked":
        raise TransferCodingRefused


def take_host_of_target(target: bytes, fields: Fields) -> None:
    """Replace Host by the host of a target in absolute form (RFC 9112, 3.2.2).

    uvicorn drops the host of the target, and Host may name another one.
    """
    authority = _AUTHORITY.match(target)
    host = authority[1] if authority else b""
    fields[:] = [field for field in fields if field[0] != b"host"]
    fields.append((b"host", host))


def is_websocket_handshake(method: bytes, version: str, fields: Fields) -> bool:
    """Return whether this head is a WebSocket handshake without a body (RFC 6455, 4.1)."""
    names = [name for name, _ in fields]
    upgrades = [value.strip().lower() for name, value in fields if name == b"upgrade"]
    return (
        method == b"GET"
        and version == "1.1"
        and upgrades == [b"websocket"]
        and b"content-length" not in names
        and b"transfer-encoding" not in names
    )
