"""The server's answers as values, and OSS's XML."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO
from xml.etree import ElementTree

from support.oss.requests import OssError

#: Children of an element: names with text, or with children of their own.
Children = Sequence[tuple[str, "str | int | Children"]]


@dataclass(frozen=True)
class Answer:
    """A status, headers and a body.

    The body is ``body``, or ``length`` bytes of ``file`` from its position; the sender closes the
    file.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: BinaryIO | None = None
    length: int = 0


def xml_answer(root: str, children: Children, headers: Mapping[str, str] | None = None) -> Answer:
    """Return 200 with a document."""
    body = _document(root, children)
    return Answer(200, {"Content-Type": "application/xml", **(headers or {})}, body)


def error_answer(error: OssError, method: str, request_id: str) -> Answer:
    """Return a refusal. The answer to HEAD has its document in a header, as it may have no body."""
    body = _document(
        "Error",
        [("Code", error.code), ("Message", error.message), ("RequestId", request_id)],
    )
    if method == "HEAD":
        return Answer(error.status, {"x-oss-err": base64.b64encode(body).decode()})
    return Answer(error.status, {"Content-Type": "application/xml"}, body)


def iso_time(unix_seconds: float) -> str:
    """Return ``2026-02-03T10:00:00.000Z``: whole seconds, as OSS writes them."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _document(root: str, children: Children) -> bytes:
    element = ElementTree.Element(root)
    _append(element, children)
    document: bytes = ElementTree.tostring(element, "utf-8", xml_declaration=True)
    return document


def _append(parent: ElementTree.Element, children: Children) -> None:
    for name, value in children:
        child = ElementTree.SubElement(parent, name)
        if isinstance(value, str | int):
            child.text = str(value)
        else:
            _append(child, value)
