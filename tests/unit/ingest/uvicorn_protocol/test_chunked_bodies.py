"""Tests of chunked bodies: turns, trailers, extensions, and other transfer codings."""

import os
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

import pytest
from support.async_http import CHUNKED, code_of, connected, request
from support.recorder import Recorder
from support.uvicorn_server import limits, serving
from support.waiting import until

from tusd_py.ingest import connections, uvicorn_protocol
from tusd_py.ingest.connections import ParsingShare

pytestmark = pytest.mark.slow

Play = Callable[[Coroutine[None, None, None]], None]

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
MIB = 1 << 20
# This is more than is parsed at once.
DENSE = b"1\r\nx\r\n" * 30_000
END = b"0\r\n\r\n"


def test_a_body_of_tiny_chunks_does_not_hold_up_other_requests(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ParsingShare", partial(ParsingShare, seconds=0))
    monkeypatch.setattr(uvicorn_protocol, "BODY_PIECE_BYTES", 1024)

    async def run() -> None:
        app = Recorder()
        async with (
            serving(app, connections=limits()) as port,
            connected(port) as flood,
            connected(port) as other,
        ):
            flood.send(CHUNKED)
            await until(lambda: app.seen == ["/a"])
            flood.send(DENSE[:60_000], END)
            other.send(request(path="/b"))
            assert await other.answer() == (200, b"/b")
            assert await flood.answer() == (200, b"/a")
        assert app.bodies == [b"", b"x" * 10_000]

    play(run())


def test_requests_after_a_body_that_was_parsed_in_turns_are_complete_and_in_order(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ParsingShare", partial(ParsingShare, seconds=0))
    lent = os.urandom(300_000)

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            client.send(
                CHUNKED, DENSE, END, request("POST", "/lent", f"Content-Length: {len(lent)}")
            )
            client.send(lent, request(path="/c"), CHUNKED, DENSE, END, request(path="/d"))
            paths = [b"/a", b"/lent", b"/c", b"/a", b"/d"]
            assert [await client.answer() for _ in paths] == [(200, path) for path in paths]
        assert app.bodies == [b"x" * 30_000, lent, b"", b"x" * 30_000, b""]

    play(run())


def test_a_refusal_and_an_end_within_a_body_that_waits_for_its_turn(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ParsingShare", partial(ParsingShare, seconds=0))

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port:
            async with connected(port) as client:
                client.send(CHUNKED, DENSE, b"no chunk\r\n", SMUGGLED)
                assert code_of((await client.answers())[-1]) == (400, "malformed_request")
            async with connected(port) as client:
                client.send(CHUNKED, DENSE)
                await until(lambda: len(app.seen) == 2)
            await until(lambda: app.gone == ["/a", "/a"])
        assert app.seen == ["/a", "/a"]

    play(run())


CODED: Final = {
    "another coding": (b"HTTP/1.1", b"Transfer-Encoding: gzip, chunked\r\n", 501),
    "chunked twice": (b"HTTP/1.1", b"Transfer-Encoding: chunked, chunked\r\n", 400),
    "in two fields": (b"HTTP/1.1", b"Transfer-Encoding: chunked\r\n" * 2, 400),
    "not chunked at all": (b"HTTP/1.1", b"Transfer-Encoding: identity\r\n", 501),
    "an HTTP without it": (b"HTTP/1.0", b"Transfer-Encoding: chunked\r\n", 400),
}


@pytest.mark.parametrize("what", CODED)
def test_a_body_in_another_transfer_coding_is_refused(play: Play, what: str) -> None:
    version, fields, status = CODED[what]

    async def run() -> None:
        app = Recorder()
        async with serving(app) as port, connected(port) as client:
            head = b"POST / " + version + b"\r\nHost: x\r\n" + fields + b"\r\n"
            client.send(head + b"5\r\nhello\r\n0\r\n\r\n" + request(path="/behind"))
            assert (await client.answer())[0] == status
            assert await client.answers() == []
        assert app.seen == []

    play(run())


TRAILERS = {
    "value": b"3\r\nabc\r\n0\r\nA: " + b"a" * MIB,
    "name": b"3\r\nabc\r\n0\r\n" + b"a" * MIB,
    "fields": b"3\r\nabc\r\n0\r\n" + b"a:b\r\n" * 300_000,
    "just too many": b"0\r\n" + b"a:b\r\n" * 21 + b"\r\n",
    "extension": b"3;" + b"a" * MIB,
    "extension of the last": b"3\r\nabc\r\n0;" + b"a" * MIB,
}


@pytest.mark.parametrize("piece", [MIB * 2, 1000], ids=["at once", "in pieces"])
def test_trailers_that_are_too_large_are_refused(play: Play, piece: int) -> None:
    small = limits(trailer_bytes=4096, fields=20)

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=small) as port:
            for what, body in TRAILERS.items():
                async with connected(port) as client:
                    client.send(CHUNKED)
                    for start in range(0, len(body), piece):
                        client.send(body[start : start + piece])
                    assert code_of(await client.answer()) == (431, "trailers_too_large"), what
                    assert await client.answers() == [], what
            await until(lambda: app.gone == ["/a"] * len(TRAILERS))

    play(run())


def test_small_chunks_are_not_taken_for_trailers(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        async with (
            serving(app, connections=limits(trailer_bytes=64)) as port,
            connected(port) as client,
        ):
            client.send(CHUNKED, b"1;x=y\r\na\r\n" * 100_000, b"0\r\nA: b\r\n\r\n")
            assert await client.answer() == (200, b"/a")
        assert app.bodies == [b"a" * 100_000]

    play(run())
