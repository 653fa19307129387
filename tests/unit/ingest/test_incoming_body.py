"""Tests that a socket is handed over, and that the connection continues behind the body."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Final

import pytest
from support.async_http import CHUNKED, code_of, connected, request
from support.recorder import Recorder
from support.taker import Taker
from support.uvicorn_server import serving
from support.waiting import until

from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol
from tusd_py.threads import Threads
from tusd_py.uploads.body import DrainEnd, DrainResult

Play = Callable[[Coroutine[None, None, None]], None]

CONTENT: Final = bytes(range(256)) * 4000
CHUNKS: Final = b"".join(
    b"%x\r\n%s\r\n" % (len(data), data)
    for data in (CONTENT[at : at + 60_000] for at in range(0, len(CONTENT), 60_000))
)


@pytest.fixture
def threads() -> Iterator[Threads]:
    opened = Threads()
    yield opened
    opened.close()


def test_a_chunked_body_with_trailers_and_the_requests_behind_it(
    play: Play, threads: Threads
) -> None:
    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port, connected(port) as client:
            client.send(CHUNKED, CHUNKS, b"0\r\nA: b\r\n\r\n", request(path="/next"))
            client.send(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", request(path="/last"))
            assert [await client.answer() for _ in range(4)] == [(204, b"")] * 4
        assert taker.got == CONTENT + b"abc"
        # What follows the end of chunks in the same piece goes through the parser.
        assert taker.lent == [True, False, False, False]
        assert taker.trailers == [[(b"a", b"b")], [], [], []]
        assert taker.drained[0] == DrainResult(len(CONTENT), DrainEnd.COMPLETE)

    play(run())


def test_an_application_that_receives_too_takes_no_byte_of_the_chunks(
    play: Play, threads: Threads
) -> None:
    async def run() -> None:
        taker = Taker(threads, listens=True)
        async with serving(taker) as port, connected(port) as client:
            client.send(CHUNKED, CHUNKS, b"0\r\n\r\n")
            assert await client.answer() == (204, b"")
        assert taker.got == CONTENT

    play(run())


def test_requests_that_are_split_anywhere_have_the_same_bodies(
    play: Play, threads: Threads
) -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n"
    sent = b"\r\n\r\n" + CHUNKED + body + CHUNKED + body + request(path="/b")

    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port:
            for at in range(len(sent)):
                async with connected(port) as client:
                    client.send(sent[:at])
                    await client.writer.drain()
                    await asyncio.sleep(0)
                    client.send(sent[at:])
                    assert [await client.answer() for _ in range(3)] == [(204, b"")] * 3
        assert taker.got == b"hello" * 2 * len(sent)
        assert {True, False} == set(taker.lent)

    play(run())


def test_line_ends_before_a_head_are_parsed_together(
    play: Play, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[int] = []
    parse = TusHttpProtocol._parse

    def counted(connection: TusHttpProtocol, data: memoryview) -> None:
        pieces.append(len(data))
        parse(connection, data)

    monkeypatch.setattr(TusHttpProtocol, "_parse", counted)

    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port, connected(port) as client:
            client.send(b"\r\n" * 20_000, CHUNKED, b"5\r\nhello\r\n0\r\n\r\n")
            assert await client.answer() == (204, b"")
        assert taker.got == b"hello"
        assert len(pieces) < 100

    play(run())


def test_small_chunks_behind_large_ones_and_large_ones_behind_those(
    play: Play, threads: Threads
) -> None:
    small = b"1\r\nx\r\n" * 50_000

    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port, connected(port) as client:
            client.send(CHUNKED, CHUNKS, small, CHUNKS, b"0\r\n\r\n", request(path="/next"))
            assert [await client.answer() for _ in range(2)] == [(204, b"")] * 2
        assert taker.got == CONTENT + b"x" * 50_000 + CONTENT

    play(run())


@pytest.mark.parametrize("bad", [b"no chunk\r\n", b"3\r\nabcd\r\n", b"5\r\nhello3\r\nabc\r\n"])
def test_a_malformed_chunk_is_refused_and_what_precedes_it_is_kept(
    play: Play, threads: Threads, bad: bytes
) -> None:
    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port, connected(port) as client:
            client.send(CHUNKED, CHUNKS, bad, request(path="/smuggled"))
            assert code_of(await client.answer()) == (400, "malformed_request")
            assert await client.answers() == []
        await until(lambda: bool(taker.drained))
        assert taker.got.startswith(CONTENT)
        assert [drained.end for drained in taker.drained] == [DrainEnd.DISCONNECTED]

    play(run())


def test_bytes_before_a_disconnect_within_a_chunk_are_taken(play: Play, threads: Threads) -> None:
    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker) as port:
            async with connected(port) as client:
                client.send(CHUNKED, b"ffff\r\nabc")
                await until(lambda: taker.got == b"abc")
            await until(lambda: bool(taker.drained))
        assert taker.drained == [DrainResult(3, DrainEnd.DISCONNECTED)]

    play(run())


def test_an_application_that_takes_no_chunk_keeps_the_connection(play: Play) -> None:
    """The body came with its head; an answer by ASGI alone neither loses it nor the connection."""

    async def run() -> None:
        app = Recorder()
        async with serving(app) as port, connected(port) as client:
            client.send(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", request(path="/next"))
            assert await client.answer() == (200, b"/a")
            assert await client.answer() == (200, b"/next")
        assert app.bodies == [b"abc", b""]

    play(run())
