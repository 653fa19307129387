"""The harness for uploads over HTTP: the requests of tus that tests about something else need.

``post``, ``patch``, ``head`` and ``delete`` return the answer, whatever it is. ``create``,
``append``, ``upload`` and ``offset`` expect success, as those of ``support.uploads`` do.
Keyword arguments of a creation are its metadata; those of other requests are header fields, with
underscores for hyphens.
"""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import httpx

TUS: Final = {"Tus-Resumable": "1.0.0"}
BODY: Final = {**TUS, "Content-Type": "application/offset+octet-stream"}
SECONDS: Final = 60.0


class Site(Protocol):
    """What takes uploads; ``files`` is the address for their creation."""

    @property
    def files(self) -> str: ...


def metadata(**values: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())


def creation(
    length: int | None, *, has_body: bool = False, concat: str = "", **values: str
) -> dict[str, str]:
    """Return the header of a creation; without a length it is deferred.

    ``concat`` is Upload-Concat. A final upload has no length.
    """
    fields = {**(BODY if has_body else TUS)}
    if values:
        fields["Upload-Metadata"] = metadata(**values)
    if concat:
        fields["Upload-Concat"] = concat
    if length is not None:
        fields["Upload-Length"] = str(length)
    elif not concat.startswith("final"):
        fields["Upload-Defer-Length"] = "1"
    return fields


def chunk(offset: int, **fields: str) -> dict[str, str]:
    """Return the header of a PATCH."""
    return {**BODY, "Upload-Offset": str(offset), **_named(fields)}


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}


def post(
    site: Site,
    length: int | None,
    body: bytes | Iterable[bytes] | None = None,
    *,
    concat: str = "",
    headers: Mapping[str, str] | None = None,
    **values: str,
) -> httpx.Response:
    """Create an upload; a ``body`` is sent with its creation."""
    fields = creation(length, has_body=body is not None, concat=concat, **values)
    headers = {**fields, **(headers or {})}
    return httpx.post(site.files, headers=headers, content=body or b"", timeout=SECONDS)


def patch(url: str, offset: int, body: bytes | Iterable[bytes], **fields: str) -> httpx.Response:
    return httpx.patch(url, headers=chunk(offset, **fields), content=body, timeout=SECONDS)


def head(url: str, **fields: str) -> httpx.Response:
    return httpx.head(url, headers={**TUS, **_named(fields)}, timeout=SECONDS)


def delete(url: str, **fields: str) -> httpx.Response:
    return httpx.delete(url, headers={**TUS, **_named(fields)}, timeout=SECONDS)


def create(
    site: Site,
    length: int | None,
    body: bytes | Iterable[bytes] | None = None,
    *,
    concat: str = "",
    headers: Mapping[str, str] | None = None,
    **values: str,
) -> str:
    """Create an upload and return its address."""
    answer = post(site, length, body, concat=concat, headers=headers, **values)
    assert answer.status_code == 201, (answer.status_code, answer.text)
    return answer.headers["Location"]


def append(url: str, offset: int, body: bytes | Iterable[bytes], **fields: str) -> int:
    """Send a body and return the new offset."""
    answer = patch(url, offset, body, **fields)
    assert answer.status_code == 204, (answer.status_code, answer.text)
    return int(answer.headers["Upload-Offset"])


def offset(url: str, **fields: str) -> int:
    answer = head(url, **fields)
    assert answer.status_code == 200, answer.status_code
    return int(answer.headers["Upload-Offset"])


def upload(
    site: Site,
    content: bytes | Path,
    filename: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    **values: str,
) -> str:
    """Upload the whole content in one request and return the id of its task."""
    data = content.read_bytes() if isinstance(content, Path) else content
    if name := filename or (content.name if isinstance(content, Path) else ""):
        values["filename"] = name
    return task_id(create(site, len(data), data, headers=headers, **values))


def task_id(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
