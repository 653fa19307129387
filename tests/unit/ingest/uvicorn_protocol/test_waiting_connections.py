"""Tests of connections that wait: for how long, and which are closed for others."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress

import pytest
from support.async_http import code_of, connected, request
from support.recorder import Recorder
from support.uvicorn_server import NEVER, limits, serving
from support.waiting import until

pytestmark = pytest.mark.slow

Play = Callable[[Coroutine[None, None, None]], None]


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        (b"", []),
        (b"\r\n", []),
        (b"GET / HT", [(408, "head_timeout")]),
        (request()[:-2], [(408, "head_timeout")]),
    ],
)
def test_a_head_must_come_in_time(play: Play, sent: bytes, codes: list[tuple[int, str]]) -> None:
    async def run() -> None:
        hasty = limits(head_timeout=0.1)
        async with serving(Recorder(), connections=hasty) as port, connected(port) as client:
            client.send(sent)
            assert [code_of(answer) for answer in await client.answers()] == codes

    play(run())


def test_single_bytes_do_not_extend_the_time_for_a_head(play: Play) -> None:
    async def run() -> None:
        hasty = limits(head_timeout=0.2)
        async with serving(Recorder(), connections=hasty) as port, connected(port) as client:
            client.send(b"GET / HTTP/1.1\r\nA: ")
            answer = asyncio.ensure_future(client.answer())
            while not answer.done():
                client.send(b"b")
                await asyncio.wait([answer], timeout=0.02)
            assert code_of(await answer) == (408, "head_timeout")

    play(run())


@pytest.mark.parametrize("sent", [b"", request()[:-2]], ids=["silent", "half a head"])
def test_the_next_head_must_come_in_time(play: Play, sent: bytes) -> None:
    timed = limits(idle_timeout=NEVER if sent else 0.1, head_timeout=0.1 if sent else NEVER)

    async def run() -> None:
        async with serving(Recorder(), connections=timed) as port, connected(port) as client:
            client.send(request(path="/a"))
            assert await client.answer() == (200, b"/a")
            client.send(sent)
            codes = [code_of(answer) for answer in await client.answers()]
            assert codes == ([(408, "head_timeout")] if sent else [])

    play(run())


def test_a_request_may_take_longer_than_a_head(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        hasty = limits(head_timeout=0.1, idle_timeout=0.1)
        async with serving(app, connections=hasty) as port, connected(port) as client:
            client.send(request(path="/wait"))
            await until(lambda: app.seen)
            async with connected(port) as silent:
                assert await silent.answers() == [], "which was opened later and is closed"
            app.go.set()
            assert await client.answer() == (200, b"/wait")

    play(run())


def test_a_new_connection_takes_the_place_of_the_oldest_that_waits(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        async with (
            serving(app, connections=limits(total=3)) as port,
            AsyncExitStack() as stack,
        ):
            busy, silent, idle = [await stack.enter_async_context(connected(port)) for _ in "123"]
            busy.send(request(path="/wait"))
            idle.send(request(path="/a"))
            assert await idle.answer() == (200, b"/a")
            # The silent connection is closed first, then the one between requests.
            for victim, path in ((silent, "/b"), (idle, "/c")):
                client = await stack.enter_async_context(connected(port))
                client.send(request("POST", path, "Content-Length: 1"))
                await until(lambda path=path: path in app.seen)
                with suppress(ConnectionError):
                    assert await victim.reader.read() == b""
            # Now all are serving: further requests are refused, except for the server's health.
            for path, expected in (("/d", 503), ("/healthz", 200), ("/healthz?x", 200)):
                client = await stack.enter_async_context(connected(port))
                client.send(request(path=path))
                answer = await client.answer()
                assert answer[0] == expected
            app.go.set()
            assert await busy.answer() == (200, b"/wait")

    play(run())


def test_connections_beyond_the_spare_ones_are_refused_at_once(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        async with (
            serving(app, connections=limits(total=1)) as port,
            AsyncExitStack() as stack,
        ):
            for _ in range(17):
                client = await stack.enter_async_context(connected(port))
                client.send(request("POST", "/healthz", "Content-Length: 1"))
            await until(lambda: len(app.seen) == 17)
            client = await stack.enter_async_context(connected(port))
            assert [code_of(answer) for answer in await client.answers()] == [
                (503, "too_many_connections")
            ]

    play(run())


async def refuses(port: int) -> bool:
    """Return whether the server has begun to stop."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    return False


def test_a_client_that_has_connected_is_answered_although_the_server_stops(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        stopping = {"stop_seconds": NEVER, "timeout_graceful_shutdown": 300}
        async with AsyncExitStack() as clients:
            async with serving(app, **stopping) as port:
                silent, begun, kept = [
                    await clients.enter_async_context(connected(port)) for _ in range(3)
                ]
                begun.send(request(path="/begun")[:-2])
                kept.send(request(path="/kept"))
                assert await kept.answer() == (200, b"/kept")

                async def answers() -> list[list[tuple[int, bytes]]]:
                    while not await refuses(port):
                        await asyncio.sleep(0.01)
                    silent.send(request(path="/silent"))
                    begun.send(b"\r\n")
                    return [await client.answers() for client in (silent, begun, kept)]

                found = asyncio.ensure_future(answers())
            assert await found == [[(200, b"/silent")], [(200, b"/begun")], []]

    play(run())


def test_a_client_that_sends_nothing_does_not_keep_a_server_from_stopping(play: Play) -> None:
    async def run() -> None:
        stopping = {"stop_seconds": 0.05, "timeout_graceful_shutdown": 300}
        async with AsyncExitStack() as clients:
            async with serving(Recorder(), **stopping) as port:
                silent = await clients.enter_async_context(connected(port))
                begun = await clients.enter_async_context(connected(port))
                begun.send(request()[:-2])
                last = await clients.enter_async_context(connected(port))
                last.send(request(path="/last"))
                assert await last.answer() == (200, b"/last")
            assert await silent.answers() == await begun.answers() == []

    play(run())
