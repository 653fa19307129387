"""Requests whose bodies are kept by the IETF's draft: resumed, answered once, and answered again.

Check I93 of ``tests/conformance/ietf`` breaks a connection; here the first part comes by ``?0``.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from support.served_app import ServedApp, served_app
from support.server import running_server
from support.tokens import SECRET, bearer, token
from support.tus import task_id

from tusd_py import ResumableRequests, Settings, create_app
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import ANONYMOUS, UploadId
from tusd_py.settings.access import AuthSettings
from tusd_py.settings.limits import LimitSettings

pytestmark = pytest.mark.anyio
VERSION = {"Upload-Draft-Interop-Version": "9"}
FORM = "/api/file/upload"
BOUNDARY = "----of-the-form"
TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
CONTENT = os.urandom(200 << 10)


def form(content: bytes = CONTENT, field: str = "file") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a.bin"\r\n'
    return b"%b\r\n%b\r\n--%b--\r\n" % (head.encode(), content, BOUNDARY.encode())


@dataclass(frozen=True)
class Sender:
    """Sends a form in parts."""

    client: httpx.AsyncClient
    fields: dict[str, str]
    endpoint: str = FORM

    async def begin(self, part: bytes, **more: str) -> httpx.Response:
        fields = {**VERSION, "Upload-Complete": "?0", **TYPE, **self.fields, **more}
        return await self.client.post(self.endpoint, content=part, headers=fields)

    async def end(self, url: str, offset: int, part: bytes, **more: str) -> httpx.Response:
        fields = {
            **VERSION, "Upload-Complete": "?1", "Upload-Offset": str(offset),
            "Content-Type": "application/partial-upload", **self.fields, **more,
        }  # fmt: skip
        return await self.client.patch(url, content=part, headers=fields)

    async def head(self, url: str) -> httpx.Response:
        return await self.client.head(url, headers={**VERSION, **self.fields})

    async def whole(self, body: bytes) -> tuple[str, httpx.Response]:
        """Send a form in two parts. Return the address of its body, and the last answer."""
        half = len(body) // 2
        url = (await self.begin(body[:half])).headers["Location"]
        return url, await self.end(url, half, body[half:])


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[ServedApp]:
    async with served_app(Settings(data_dir=tmp_path, workers=0)) as served:
        yield served


@pytest.fixture
def sender(app: ServedApp) -> Sender:
    return Sender(app.client, {})


def bytes_of(app: ServedApp) -> list[str]:
    """Return the uploads whose bytes are in the store."""
    folder = app.context.settings.data_dir / "uploads"
    return [path.name for path in folder.rglob("*") if path.is_file() and len(path.name) == 32]


async def test_the_last_answer_is_that_of_the_endpoint(app: ServedApp, sender: Sender) -> None:
    plain = await app.client.post(FORM, content=form(b"other"), headers=TYPE)
    begun = await sender.begin(form()[:1000])
    url = begun.headers["Location"]
    assert (begun.status_code, begun.headers["Upload-Complete"]) == (201, "?0")
    state = await sender.head(url)
    assert (state.headers["Upload-Offset"], state.headers["Upload-Complete"]) == ("1000", "?0")
    last = await sender.end(url, 1000, form()[1000:])
    assert (last.status_code, last.headers["Content-Type"]) == (200, plain.headers["Content-Type"])
    assert last.json() == {**plain.json(), "task_id": last.json()["task_id"]}
    assert last.headers["Upload-Complete"] == "?1"
    stored = await app.client.get(f"/files/{last.json()['task_id']}")
    assert stored.content == CONTENT
    assert task_id(url) not in bytes_of(app)


async def test_the_answer_can_be_had_again(app: ServedApp, sender: Sender) -> None:
    body = form()
    url, first = await sender.whole(body)
    state = await sender.head(url)
    assert (state.status_code, state.headers["Upload-Complete"]) == (204, "?1")
    assert state.headers["Upload-Offset"] == str(len(body))
    again = await sender.end(url, len(body), b"")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert len(bytes_of(app)) == 1
    assert (await sender.end(url, 0, b"more")).json()["code"] == "upload_complete"
    older = {"Upload-Draft-Interop-Version": "8"}
    assert (await sender.end(url, len(body), b"", **older)).status_code == 400


async def test_a_refusal_of_the_form_is_an_answer_too(app: ServedApp, sender: Sender) -> None:
    body = form(b"not to be found", field="photo")
    url, refused = await sender.whole(body)
    assert (refused.status_code, refused.headers["Upload-Complete"]) == (400, "?1")
    assert "no field named file" in refused.json()["detail"]
    assert (await sender.end(url, len(body), b"")).json() == refused.json()
    assert bytes_of(app) == []


async def test_a_form_is_stored_once_if_its_answer_could_not_be_kept(
    app: ServedApp, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise BackendError

    body = form()
    with monkeypatch.context() as patched:
        patched.setattr(app.context.uploads.catalog.uploads, "keep_target_answer", away)
        url, lost = await sender.whole(body)
    assert lost.status_code == 503
    state = await sender.head(url)
    assert (state.headers["Upload-Offset"], state.headers["Upload-Complete"]) == (
        str(len(body)),
        "?0",
    )
    older = {"Upload-Draft-Interop-Version": "6"}
    answered = await sender.end(url, len(body), b"", **older)
    assert answered.status_code == 200
    assert bytes_of(app) == [answered.json()["task_id"]]


async def test_an_attempt_that_a_crash_broke_off_is_made_again(
    app: ServedApp, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of the first attempt stay: the crash prevents that they are dropped."""
    from tusd_py.http.routes import multipart

    class Crash(BaseException):
        """Is caught by nothing that cleans up."""

    async def crash(*_: object) -> None:
        raise Crash

    body = form()
    with monkeypatch.context() as patched:
        patched.setattr(multipart, "append", crash)
        with pytest.raises(Crash):
            await sender.whole(body)
    names = bytes_of(app)
    assert len(names) == 2
    target = app.context.ports.catalog.uploads.target
    url = next(f"/files/{name}" for name in names if target(UploadId(name)))
    answered = await sender.end(url, len(body), b"")
    assert answered.status_code == 200
    assert bytes_of(app) == [answered.json()["task_id"]]
    stored = await app.client.get(f"/files/{answered.json()['task_id']}")
    assert stored.content == CONTENT


async def test_a_failure_of_the_server_is_no_final_answer(
    app: ServedApp, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tusd_py.http.routes import multipart

    async def away(*_: object) -> None:
        raise BackendError

    body = form()
    with monkeypatch.context() as patched:
        patched.setattr(multipart, "create", away)
        url, failed = await sender.whole(body)
    assert (failed.status_code, failed.headers["Upload-Complete"]) == (503, "?0")
    assert (await sender.end(url, len(body), b"")).status_code == 200


async def test_a_form_of_another_user_is_not_found(tmp_path: Path) -> None:
    auth = AuthSettings(required=True, access_secret=SECRET)
    async with served_app(Settings(data_dir=tmp_path, auth=auth)) as served:
        mine = Sender(served.client, bearer(token(7)))
        other = Sender(served.client, bearer(token(8)))
        body = form()
        begun = await mine.begin(body[:10])
        assert "Upload-Token" not in begun.headers
        url = begun.headers["Location"]
        for answer in (await other.head(url), await other.end(url, 10, body[10:])):
            assert answer.status_code == 404
        assert (await mine.end(url, 10, body[10:])).status_code == 200
        for answer in (await other.head(url), await other.end(url, len(body), b"")):
            assert answer.status_code in (404, 410)
        assert (await mine.end(url, len(body), b"")).status_code == 200


async def test_a_body_counts_for_its_owner_until_it_is_answered(tmp_path: Path) -> None:
    limits = LimitSettings(stored_bytes=5 * len(CONTENT) // 2)
    async with served_app(Settings(data_dir=tmp_path, limits=limits)) as served:
        sender = Sender(served.client, {})
        usage = served.context.ports.catalog.uploads.usage
        url = (await sender.begin(form())).headers["Location"]
        assert usage(ANONYMOUS).stored_bytes == len(form())
        assert (await sender.end(url, len(form()), b"")).status_code == 200
        assert usage(ANONYMOUS).stored_bytes == len(CONTENT)
        much = await sender.begin(form(CONTENT * 3))
        assert (much.status_code, much.json()["code"]) == (413, "quota_exceeded")


async def test_a_form_that_can_not_be_resumed_is_not_kept(
    app: ServedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_: object) -> None:
        pytest.fail("the body was kept")

    monkeypatch.setattr("tusd_py.catalog.uploads.add_target", keep)
    for fields in ({}, {"Upload-Complete": "?1"}, {**VERSION, "Tus-Resumable": "1.0.0"}):
        sent = {**TYPE, **fields}
        answer = await app.client.post(FORM, content=form(), headers=sent)
        assert answer.status_code == 200
        assert "Upload-Complete" not in answer.headers


@dataclass
class Application:
    """An application in which the server is mounted, with an endpoint that notes its requests."""

    requests: list[tuple[str, str, bytes]]
    refusals: int = 0

    async def take(self, request: Request) -> Response:
        key = request.headers["Idempotency-Key"]
        address = f"{request.scope['raw_path'].decode()}?{request.url.query}"
        self.requests.append((address, key, await request.body()))
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=503)
        # A stream: its end must not seem to be the end of the connection.
        content = (part.encode() for part in ("tak", "en"))
        return StreamingResponse(content, 202, headers={"Set-Cookie": "a=1", "X-Own": "yes"})


@asynccontextmanager
async def mounted(folder: Path, application: Application) -> AsyncIterator[Sender]:
    server = create_app(Settings(data_dir=folder))
    wrapped = Middleware(ResumableRequests, server=server, mount="/uploads", paths=["/own way"])
    routes = [
        Route("/own way", application.take, methods=["POST"]),
        Mount("/uploads", server),
    ]
    transport = httpx.ASGITransport(Starlette(routes=routes, middleware=[wrapped]))
    async with (
        server.router.lifespan_context(server),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield Sender(client, {}, "/own%20way?album=%C3%A4")


async def test_an_endpoint_of_the_application_gets_one_ordinary_request(tmp_path: Path) -> None:
    application = Application([])
    async with mounted(tmp_path, application) as sender:
        url, answer = await sender.whole(b"some bytes")
        assert url.startswith("http://localhost/uploads/files/")
        ((address, key, body),) = application.requests
        assert (address, body) == ("/own%20way?album=%C3%A4", b"some bytes")
        assert key == f'"{task_id(url)}"'
        assert (answer.status_code, answer.text) == (202, "taken")
        assert (answer.headers["X-Own"], answer.headers["Set-Cookie"]) == ("yes", "a=1")
        again = await sender.end(url, len(b"some bytes"), b"")
        assert (again.status_code, again.text) == (202, "taken")
        assert (again.headers["X-Own"], "Set-Cookie" in again.headers) == ("yes", False)
        assert len(application.requests) == 1


async def test_a_repeated_request_has_the_same_key(tmp_path: Path) -> None:
    application = Application([], refusals=1)
    async with mounted(tmp_path, application) as sender:
        url, refused = await sender.whole(b"some bytes")
        assert (refused.status_code, refused.headers["Upload-Complete"]) == (503, "?0")
        assert (await sender.end(url, len(b"some bytes"), b"")).status_code == 202
    first, second = application.requests
    assert first == second


async def test_a_mounted_server_has_a_form_of_its_own(tmp_path: Path) -> None:
    async with mounted(tmp_path, Application([])) as sender:
        below = Sender(sender.client, {}, f"/uploads{FORM}")
        _, answer = await below.whole(form())
        assert answer.status_code == 200
        stored = await sender.client.get(f"/uploads/files/{answer.json()['task_id']}")
        assert stored.content == CONTENT
    with pytest.raises(ValueError, match=FORM):
        ResumableRequests(below.client, server=Starlette(), mount="/", paths=[FORM])  # type: ignore[arg-type]


def test_a_killed_server_keeps_a_complete_body(tmp_path: Path) -> None:
    body = form()
    fields: dict[str, Any] = {**VERSION, **TYPE}
    with running_server(tmp_path / "data", "--workers", "0") as server:
        begun = httpx.post(
            f"{server.url}{FORM}", content=body, headers={**fields, "Upload-Complete": "?0"}
        )
        path = httpx.URL(begun.headers["Location"]).path
        server.kill()
        server.start()
        answered = httpx.patch(
            f"{server.url}{path}",
            headers={
                **VERSION, "Upload-Complete": "?1", "Upload-Offset": str(len(body)),
                "Content-Type": "application/partial-upload",
            },
        )  # fmt: skip
        assert answered.status_code == 200
        assert httpx.get(f"{server.files}{answered.json()['task_id']}").content == CONTENT
