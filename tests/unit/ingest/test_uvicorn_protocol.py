"""Tests of the connection class in a uvicorn with a small application."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from support.taker import Taker
from support.uvicorn_server import Receive, Scope, Send, serving

from tusd_py.ingest import compat_check as checking
from tusd_py.ingest.compat_check import compat_check
from tusd_py.ingest.scope_extensions import INTERIM
from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol
from tusd_py.threads import Threads
from tusd_py.uploads.body import DrainEnd, DrainResult

Play = Callable[[Coroutine[None, None, None]], None]


async def exchange(port: int, *pieces: bytes) -> bytes:
    """Return all that the server sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer


def patch(length: int, *headers: str) -> bytes:
    lines = ["PATCH /x HTTP/1.1", "Host: x", f"Content-Length: {length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


@pytest.fixture
def threads() -> Any:
    opened = Threads()
    yield opened
    opened.close()


def test_an_application_that_receives_too_takes_no_byte_of_the_body(
    play: Play, threads: Threads
) -> None:
    content = bytes(range(256)) * 100_000

    async def run() -> None:
        taker = Taker(threads, listens=True)
        async with serving(taker) as port:
            answer = await exchange(port, patch(len(content), "Expect: 100-continue"), content)
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 ")
        assert taker.lent == [True]
        assert taker.drained == [DrainResult(len(content), DrainEnd.COMPLETE)]
        assert taker.got == content

    play(run())


def test_a_body_of_http_1_0_is_lent_too(play: Play, threads: Threads) -> None:
    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port:
            head = b"PATCH /x HTTP/1.0\r\nContent-Length: 200000\r\n\r\n"
            answer = await exchange(port, head, bytes(200_000))
        assert b" 204 " in answer
        assert taker.got == bytes(200_000)

    play(run())


def test_interim_responses_precede_the_answer(play: Play) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert INTERIM in scope["extensions"]
        for offset in (b"1", b"2"):
            await send({"type": INTERIM, "status": 104, "headers": [(b"upload-offset", offset)]})
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def run() -> None:
        async with serving(app) as port:
            answer = await exchange(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert answer.split(b"\r\n\r\n")[:2] == [
                b"HTTP/1.1 104 \r\nupload-offset: 1",
                b"HTTP/1.1 104 \r\nupload-offset: 2",
            ]
            assert answer.split(b"\r\n\r\n")[2].startswith(b"HTTP/1.1 204 ")
            # HTTP/1.0 has no interim responses.
            answer = await exchange(port, b"GET / HTTP/1.0\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204 ")

    play(run())


def test_the_self_check_passes_with_this_uvicorn() -> None:
    assert compat_check() is None


@pytest.mark.parametrize(
    "missing",
    ["on_headers_complete", "on_body", "skip_body", "_is_websocket"],
    ids=lambda name: name,
)
def test_the_self_check_finds_what_has_changed(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(*_arguments: object) -> None:
        raise AttributeError("uvicorn's internals have moved")

    monkeypatch.setattr(TusHttpProtocol, missing, moved)
    monkeypatch.setattr(checking, "SECONDS", 0.5)
    assert compat_check() is not None
