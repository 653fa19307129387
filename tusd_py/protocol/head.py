"""Holds the head of a request for uploads, and reads what all protocols of uploads share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tusd_py.domain.errors import MethodNotAllowed, UnsupportedContentEncoding, UploadNotFound
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.protocol.fields import Fields, parse_number

COLLECTION_METHODS: Final = ("OPTIONS", "POST")
UPLOAD_METHODS: Final = ("OPTIONS", "HEAD", "PATCH", "DELETE", "GET")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Holds a request's head. ``resource`` is the path below the endpoint, '' for the endpoint."""

    method: str
    resource: str
    fields: Fields
    query: str = ""
    """Query of the target, without its question mark."""
    trailers: Sequence[tuple[bytes, bytes]] = ()
    """Trailers of the request; the list is filled when the body has ended."""


def effective_method(head: Head) -> str:
    """Return the method to use.

    "The X-HTTP-Method-Override request header MUST be a string which MUST be interpreted as the
    request's method by the Server, if the header is presented." (tus 1.0.0; tus-js-client sends it
    in the draft of the IETF too.)
    Raises: MethodNotAllowed: no resource of the endpoint has this method.
    """
    override = head.fields.one("X-HTTP-Method-Override")
    if override is None:
        return head.method
    method = override.upper()
    if method not in (*COLLECTION_METHODS, *UPLOAD_METHODS):
        raise MethodNotAllowed(UPLOAD_METHODS if head.resource else COLLECTION_METHODS)
    return method


def names_head(head: Head) -> bool:
    """Return whether a request is a HEAD by its own method or by that which overrides it."""
    override = head.fields.joined("X-HTTP-Method-Override") or ""
    return "HEAD" in (head.method, override.upper())


def upload_id_of(head: Head) -> UploadId:
    """Return the upload that a request is for. Raises: UploadNotFound: none has that address."""
    upload_id = parse_upload_id(head.resource)
    if upload_id is None:
        raise UploadNotFound
    return upload_id


def body_length_of(fields: Fields) -> int | None:
    """Return the body's length in bytes; None: chunked. Raises: UnsupportedContentEncoding."""
    encoding = fields.one("Content-Encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise UnsupportedContentEncoding
    if "Transfer-Encoding" in fields:
        return None
    text = fields.one("Content-Length")
    return 0 if text is None else parse_number("Content-Length", text)
