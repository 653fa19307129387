"""The application inside another one, which identifies the callers in its own way."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from urllib.parse import quote

import anyio
import httpx
import pytest
from starlette.requests import HTTPConnection
from support.served_app import served_app
from support.tus import TUS, chunk, creation

from tusd_py import Settings, create_app
from tusd_py.auth.operator_links import OperatorLinks
from tusd_py.clock import SystemClock
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import PolicyError
from tusd_py.domain.ids import UserId
from tusd_py.http.authentication import Authenticate
from tusd_py.http.mount import mount_path


async def by_header(connection: HTTPConnection) -> Caller:
    name = connection.headers.get("x-user")
    if name is None:
        raise PolicyError("Say who you are.")
    return Caller(UserId(int(name)), roles=frozenset({"admin"} if name == "9" else ()))


@asynccontextmanager
async def mounted(
    folder: Path, path: str = "/app", authenticate: Authenticate | None = by_header
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(data_dir=folder, workers=0, allowed_hosts=("example.test",))
    async with served_app(
        settings, mount=path, host="example.test", authenticate=authenticate
    ) as app:
        yield app.client


def run(folder: Path, scene: object) -> None:
    async def main() -> None:
        async with mounted(folder) as client:
            await scene(client)  # type: ignore[operator]

    anyio.run(main)


def test_it_works_below_any_path(tmp_path: Path) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        me = {**TUS, "X-User": "1"}
        made = await client.post("/app/files/", headers={**creation(5), **me})
        url = made.headers["Location"]
        assert url.startswith("http://example.test/app/files/")
        sent = await client.patch(url, headers={**chunk(0), **me}, content=b"bytes")
        assert sent.status_code == 204
        assert (await client.get(url, headers=me)).content == b"bytes"

    run(tmp_path, scene)


TENANTS = {
    "a": "/t/a",
    "ä b": "/t/%C3%A4%20b",
    '"><script>alert(1)</script>': "/t/%22%3E%3Cscript%3Ealert(1)%3C",
    "'onload='x": "/t/'onload='x",
    "a&quot;b": "/t/a&quot;b",
    "a\r\nX: y": "/t/a%0D%0AX:%20y",
    "a?b#c": "/t/a%3Fb%23c",
    "\x00": "/t/%00",
    "文": "/t/%E6%96%87",
}


@pytest.mark.parametrize("tenant", TENANTS)
def test_a_path_with_a_parameter_is_never_markup_or_a_header(tmp_path: Path, tenant: str) -> None:
    """The path of the mount contains the client's text there."""

    async def main() -> None:
        async with mounted(tmp_path, "/t/{tenant}") as client:
            base = f"/t/{quote(tenant, safe='')}"
            me = {**TUS, "X-User": "1"}
            for page in ("/", "/admin", "/api/docs"):
                answer = await client.get(base + page, headers={**me, "Accept": "text/html"})
                assert answer.status_code == 200
                (href,) = re.findall(r"<base href=\"([^\"<>]*)\">", answer.text)
                assert unescape(href).startswith(TENANTS[tenant])
                assert "<script>alert" not in answer.text
            made = await client.post(f"{base}/files/", headers={**creation(5), **me})
            assert made.status_code == 201
            location = made.headers["Location"]
            assert location.startswith(f"http://example.test{TENANTS[tenant]}")
            assert "X" not in made.headers
            assert (await client.head(location, headers=me)).status_code == 200
            described = (await client.get(f"{base}/api/openapi.json", headers=me)).json()
            assert described["servers"][0]["url"].startswith(TENANTS[tenant])

    if "/" not in tenant:
        anyio.run(main)


@pytest.mark.parametrize("left", [False, True], ids=["path taken away", "path left"])
@pytest.mark.parametrize("by", ["setting", "proxy"])
# Paths of the server itself begin with the second one.
@pytest.mark.parametrize("up", ["/up", "/api"])
def test_behind_a_proxy_with_a_path_all_addresses_begin_with_it(
    tmp_path: Path, up: str, by: str, left: bool
) -> None:
    before = up if left else ""
    address = f"https://example.test{up}"
    known = {"public_url": address} if by == "setting" else {"behind_proxy": True}
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Prefix": up,
    }
    base = f"{before}/files/" if by == "proxy" else "/files/"
    settings = Settings(data_dir=tmp_path, workers=0, base_path=base, **known)
    public = f"{up}{base}"

    async def main() -> None:
        app = create_app(settings, authenticate=by_header)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            inner = "http://example.test"
            async with httpx.AsyncClient(transport=transport, base_url=inner) as client:
                me = {**TUS, **forwarded, "X-User": "1"}
                endpoint = base if by == "proxy" else f"{before}{base}"
                part = {**me, "Upload-Concat": "partial", "Upload-Length": "0"}
                made = await client.post(endpoint, headers=part)
                location = made.headers["Location"]
                assert location.startswith(f"https://example.test{public}")
                path = location.removeprefix(f"https://example.test{public}")
                assert (await client.head(f"{endpoint}{path}", headers=me)).status_code == 200
                final = {**me, "Upload-Concat": f"final;{location} {public}{path}"}
                assert (await client.post(endpoint, headers=final)).status_code == 201
                root = before if by == "setting" else ""
                page = await client.get(f"{root}/", headers={**me, "Accept": "text/html"})
                assert f'<base href="{up}/">' in page.text
                described = (await client.get(f"{root}/api/openapi.json", headers=me)).json()
                assert described["servers"][0]["url"] == up
                origin = {**me, "Origin": "https://example.test", "Sec-Fetch-Site": "same-origin"}
                assert (await client.post(endpoint, headers={**origin, **part})).status_code == 201

    anyio.run(main)


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example/x", "/\\evil.example"])
def test_a_mount_never_names_another_host(path: str) -> None:
    assert re.match(r"/[^/\\]", mount_path({"root_path": path}))


@pytest.mark.parametrize("tenant", ["%2Fevil.example", "a;Domain=evil", "%C3%A4"])
def test_an_operators_link_leads_to_the_mount_and_nowhere_else(tmp_path: Path, tenant: str) -> None:
    async def main() -> None:
        async with mounted(tmp_path, "/{tenant:path}", authenticate=None) as client:
            key = OperatorLinks(tmp_path, SystemClock()).new_key()
            answer = await client.get(f"/{tenant}/admin", params={"key": key})
            assert answer.status_code == 303
            assert re.fullmatch(r"/[^/\\]\S*/admin", answer.headers["Location"])
            assert ";Domain=" not in answer.headers["Set-Cookie"]

    anyio.run(main)


def test_a_task_of_another_user_is_not_there(tmp_path: Path) -> None:
    """Hole 10, on every verb of every resource."""

    async def scene(client: httpx.AsyncClient) -> None:
        mine = {**TUS, "X-User": "1"}
        made = await client.post("/app/files/", headers={**creation(5), **mine})
        url, name = made.headers["Location"], made.headers["Location"].rpartition("/")[2]
        api = "/app/api/file/upload"
        requests = [
            ("HEAD", url, {}),
            ("PATCH", url, chunk(0)),
            ("DELETE", url, {}),
            ("GET", url, {}),
            ("GET", f"{api}/progress/{name}", {}),
            ("GET", f"{api}/events/{name}", {}),
        ]
        for method, path, headers in requests:
            theirs = await client.request(method, path, headers={**TUS, "X-User": "2", **headers})
            nobodys = await client.request(
                method, path.replace(name, "0" * 32), headers={**TUS, "X-User": "2", **headers}
            )
            assert theirs.status_code == nobodys.status_code == 404, (method, path)
            assert theirs.content == nobodys.content
        listed = await client.get(f"{api}/tasks", headers={"X-User": "2"})
        assert listed.json()["total"] == 0
        assert (await client.get(f"{api}/tasks", headers={"X-User": "1"})).json()["total"] == 1

    run(tmp_path, scene)


def test_without_its_lifespan_it_answers_503(tmp_path: Path) -> None:
    async def main() -> None:
        app = create_app(Settings(data_dir=tmp_path, workers=0))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for answer in (await client.get("/"), await client.post("/files/", headers=TUS)):
                assert (answer.status_code, answer.json()["code"]) == (503, "lifespan_missing")
            # A client of tus would begin again after a 503 to its HEAD.
            for fields, status in ((TUS, 423), ({}, 503)):
                answer = await client.head(f"/files/{'0' * 32}", headers=fields)
                assert answer.status_code == status
        app.state.context.ports.close()

    anyio.run(main)


def test_an_application_decides_who_operates(tmp_path: Path) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        for user, status in (("1", 403), ("9", 200)):
            seen = await client.get("/app/api/admin/overview", headers={"X-User": user})
            assert seen.status_code == status

    run(tmp_path, scene)


@pytest.mark.parametrize("path", ["/app/files/", "/app/api/file/upload/tasks"])
def test_a_request_without_identity_is_refused(tmp_path: Path, path: str) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        method = "POST" if "files" in path else "GET"
        refused = await client.request(method, path, headers=creation(5))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")

    run(tmp_path, scene)


def test_importing_the_domain_or_the_worker_loads_no_web_framework() -> None:
    import subprocess
    import sys

    for module in ("tusd_py.domain.task", "tusd_py.worker.app"):
        servers = ("starlette", "uvicorn")
        code = f"import {module}, sys; sys.exit(any(m in sys.modules for m in {servers}))"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
