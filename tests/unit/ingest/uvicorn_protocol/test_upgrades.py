"""Tests of upgrades: which are refused, and that no byte after them is a request."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress

import pytest
from support.async_http import code_of, connected, request, split
from support.recorder import Recorder
from support.uvicorn_server import limits, serving

pytestmark = pytest.mark.slow

Play = Callable[[Coroutine[None, None, None]], None]

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

UPGRADES = {
    "PATCH h2c": request(
        "PATCH", "/", "Connection: Upgrade", "Upgrade: h2c", f"Content-Length: {len(SMUGGLED)}"
    ),
    "PATCH websocket": request(
        "PATCH", "/", "Connection: upgrade", "Upgrade: websocket",
        f"Content-Length: {len(SMUGGLED)}",
    ),
    "POST chunked": request(
        "POST", "/", "Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked"
    ),
    "curl --http2": request(
        "GET", "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
    ),
    "GET with length": request(
        "GET", "/", "Connection: upgrade", "Upgrade: websocket", "Content-Length: 0"
    ),
    "GET chunked": request(
        "GET", "/", "Connection: upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked"
    ),
    "list": request("GET", "/", "Connection: upgrade", "Upgrade: h2c, websocket"),
    "two Upgrade": request(
        "GET", "/", "Connection: upgrade", "Upgrade: websocket", "Upgrade: h2c"
    ),
    "two Connection": request(
        "POST", "/", "Connection: keep-alive", "Connection: Upgrade", "Upgrade: h2c",
        "Content-Length: 5",
    ),
    "Connection list": request(
        "POST", "/", "Connection: keep-alive,  UPGRADE ", "Upgrade: h2c", "Content-Length: 5"
    ),
    "TLS": request("OPTIONS", "*", "Connection: upgrade", "Upgrade: TLS/1.0"),
    "HTTP/1.0": b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("later", [False, True], ids=["same packet", "later"])
def test_no_byte_after_a_refused_upgrade_is_a_request(play: Play, later: bool) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port:
            for name, head in UPGRADES.items():
                async with connected(port) as client:
                    client.send(head, b"" if later else SMUGGLED)
                    answer = await client.answer()
                    assert code_of(answer) == (400, "upgrade_refused"), name
                    client.send(SMUGGLED if later else b"")
                    assert await client.answers() == [], f"{name}: it is closed"
        assert app.seen == []

    play(run())


def test_a_refused_upgrade_is_answered_after_the_requests_before_it(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            client.send(request(path="/a"), request(path="/b"), UPGRADES["PATCH h2c"], SMUGGLED)
            first, second, refusal = await client.answers()
            assert (first, second) == ((200, b"/a"), (200, b"/b"))
            assert code_of(refusal) == (400, "upgrade_refused")
        assert app.seen == ["/a", "/b"]

    play(run())


@pytest.mark.parametrize(
    "fields", [("Connection: upgrade",), ("Upgrade: h2c",), ("Connection: close", "Upgrade: h2c")]
)
def test_an_incomplete_upgrade_is_an_ordinary_request(play: Play, fields: Sequence[str]) -> None:
    """Many proxies add ``Connection: upgrade`` to every request."""

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            length = f"Content-Length: {len(SMUGGLED)}"
            client.send(request("POST", "/a", *fields, length), SMUGGLED)
            assert await client.answer() == (200, b"/a")
        assert (app.seen, app.bodies) == (["/a"], [SMUGGLED])

    play(run())


def test_no_byte_after_a_failed_handshake_is_a_request(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        handshake = request(
            "GET", "/nowhere", "Connection: Upgrade", "Upgrade: WebSocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )  # fmt: skip
        for head in (handshake, handshake.replace(b"Version: 13", b"Version: 7")):
            async with serving(app, connections=limits()) as port, connected(port) as client:
                client.send(head)
                (status, _) = split(await client.reader.readuntil(b"\r\n\r\n"))[0]
                assert 400 <= status < 500
                client.send(SMUGGLED)
                with suppress(ConnectionError):
                    await client.reader.read()
        assert "/smuggled" not in app.seen

    play(run())
