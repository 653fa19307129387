"""Tests that routes and addresses in answers agree, whatever a proxy or a framework does to paths."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest
from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.http.middleware.public_path import PublicPathMiddleware
from tusd_py.http.mount import mount_path
from tusd_py.protocol.origin import PublicAddress

DIRECT = PublicAddress(trusted=False)
TRUSTED = PublicAddress(trusted=True)
SET = PublicAddress(trusted=False, origin="https://x.test", path="/uploads")


async def _show(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path of the mount and that of the route."""
    answer = PlainTextResponse(f"{mount_path(scope)} {get_route_path(scope)}")
    await answer(scope, receive, send)


def seen(outer: ASGIApp, path: str, prefix: str = "", root_path: str = "") -> str:
    async def send() -> str:
        transport = httpx.ASGITransport(outer, root_path=root_path)
        headers = {"X-Forwarded-Prefix": prefix} if prefix else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
            return (await client.get(path, headers=headers)).text

    return anyio.run(send)


def app(address: PublicAddress) -> ASGIApp:
    return PublicPathMiddleware(_show, address)


def mounted(address: PublicAddress) -> ASGIApp:
    return Starlette(routes=[Mount("/up", app(address))])


def test_without_anything_before_it_the_path_is_as_received() -> None:
    assert seen(app(DIRECT), "/files/") == " /files/"
    assert seen(app(DIRECT), "/files/", prefix="/up") == " /files/"


def test_a_trusted_proxy_names_the_prefix_that_it_took_away() -> None:
    assert seen(app(TRUSTED), "/files/x", prefix="/up") == "/up /files/x"
    assert seen(app(TRUSTED), "/files/x", prefix="/outer, /inner/") == "/outer/inner /files/x"
    assert seen(app(TRUSTED), "/up/files/x", prefix="/up") == "/up /up/files/x"


@pytest.mark.parametrize("address", [DIRECT, TRUSTED, SET])
def test_a_mount_without_a_proxy_is_as_before(address: PublicAddress) -> None:
    root = "/uploads" if address is SET else "/up"
    assert seen(mounted(address), "/up/files/x") == f"{root} /files/x"


@pytest.mark.parametrize("path", ["/up/files/x", "/api/up/files/x"])
def test_root_path_of_the_server_counts_whether_a_proxy_takes_it_away_or_not(path: str) -> None:
    assert seen(mounted(DIRECT), path, root_path="/api") == "/api/up /files/x"
    # The proxy may name the same prefix.
    assert seen(mounted(TRUSTED), path, "/api", root_path="/api") == "/api/up /files/x"


def test_root_path_of_the_server_counts_without_a_mount() -> None:
    for root_path in ("/api", "/api/"):
        assert seen(app(DIRECT), "/files/x", root_path=root_path) == "/api /files/x"


@pytest.mark.parametrize("path", ["/files/x", "/uploads/files/x"])
def test_the_address_by_the_setting_counts_whether_a_proxy_takes_its_path_away_or_not(
    path: str,
) -> None:
    assert seen(app(SET), path) == "/uploads /files/x"
    assert seen(app(SET), path, prefix="/other") == "/uploads /files/x"


@pytest.mark.parametrize("path", ["/api/file/x", "/api/api/file/x"])
def test_a_public_path_may_look_like_a_path_of_the_server(path: str) -> None:
    address = PublicAddress(trusted=False, origin="https://x.test", path="/api")
    inner = PublicPathMiddleware(_show, address, own_paths=("/files", "/api/file"))
    assert seen(inner, path) == "/api /api/file/x"
    assert seen(inner, "/api/files/x") == "/api /files/x"
    assert seen(inner, "/files/x") == "/api /files/x"
    assert seen(inner, "/api/") == "/api /"
    assert seen(inner, "/api/unknown") == "/api /unknown"


@pytest.mark.parametrize("path", ["/api/file/x", "/api/api/file/x"])
def test_so_may_the_path_of_an_outer_application(path: str) -> None:
    inner = PublicPathMiddleware(_show, DIRECT, own_paths=("/files", "/api/file"))
    outer = Starlette(routes=[Mount("/", inner)])
    assert seen(outer, path, root_path="/api") == "/api /api/file/x"
    assert seen(outer, "/files/x", root_path="/api") == "/api /files/x"


def test_the_path_of_a_mount_is_never_taken_away() -> None:
    inner = PublicPathMiddleware(_show, DIRECT, own_paths=("/files", "/api/file"))
    outer = Starlette(routes=[Mount("/files", inner)])
    assert seen(outer, "/files/") == "/files /"
    assert seen(outer, "/files/files/x") == "/files /files/x"


def test_a_websocket_has_the_same_paths() -> None:
    found: list[str] = []

    async def show(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append(f"{mount_path(scope)} {get_route_path(scope)}")

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {
        "type": "websocket",
        "path": "/api/file/upload/ws/x",
        "headers": [(b"x-forwarded-prefix", b"/up")],
    }
    for address in (TRUSTED, SET, DIRECT):
        anyio.run(PublicPathMiddleware(show, address), scope, nothing, nothing)
    path = "/api/file/upload/ws/x"
    assert found == [f"/up {path}", f"/uploads {path}", f" {path}"]


def test_the_root_needs_no_slash() -> None:
    assert seen(app(SET), "/uploads") == "/uploads /"


def test_the_request_of_an_outer_application_is_not_changed() -> None:
    kept: list[dict[str, Any]] = []

    def outer(inner: ASGIApp) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            await inner(scope, receive, send)
            kept.append({name: scope[name] for name in ("path", "root_path")})

        return call

    assert seen(outer(app(SET)), "/files/x") == "/uploads /files/x"
    assert kept == [{"path": "/files/x", "root_path": ""}]
