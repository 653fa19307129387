"""The few tus requests that tests about something else need."""

import base64
from pathlib import Path

import httpx
from support.server import Server

TUS = {"Tus-Resumable": "1.0.0"}
BODY = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**values: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())


def create(server: Server, length: int | None, *, body: bytes | None = None, **values: str) -> str:
    """Create an upload and return its address."""
    headers = {**(BODY if body is not None else TUS), "Upload-Metadata": metadata(**values)}
    headers.update(
        {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    )
    response = httpx.post(server.files, headers=headers, content=body or b"", timeout=60)
    assert response.status_code == 201, (response.status_code, response.text)
    return response.headers["Location"]


def patch(url: str, offset: int, body: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.patch(
        url, headers={**BODY, "Upload-Offset": str(offset), **named}, content=body, timeout=60
    )


def head(url: str) -> httpx.Response:
    return httpx.head(url, headers=TUS, timeout=60)


def offset(url: str) -> int:
    response = head(url)
    assert response.status_code == 200, response.status_code
    return int(response.headers["Upload-Offset"])


def send(server: Server, content: bytes | Path, filename: str = "") -> str:
    """Upload in one request and return the task id."""
    data = content.read_bytes() if isinstance(content, Path) else content
    name = filename or (content.name if isinstance(content, Path) else "")
    url = create(server, len(data), body=data, **({"filename": name} if name else {}))
    return task_id(url)


def task_id(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
