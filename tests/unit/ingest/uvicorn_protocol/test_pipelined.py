"""Tests of requests that wait on one connection for the answers before them."""

from collections.abc import Callable, Coroutine

from support.async_http import code_of, connected, request
from support.recorder import Recorder
from support.uvicorn_server import limits, serving
from support.waiting import until

Play = Callable[[Coroutine[None, None, None]], None]


def test_requests_beyond_those_that_may_wait_are_refused(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        async with (
            serving(app, connections=limits(pipelined=3)) as port,
            connected(port) as client,
        ):
            client.send(request(path="/wait"), *(request(path=f"/{n}") for n in range(9)))
            await until(lambda: app.seen)
            app.go.set()
            *answers, refusal = await client.answers()
            assert [body for _, body in answers] == [b"/wait", b"/0", b"/1", b"/2"]
            assert code_of(refusal) == (429, "too_many_pipelined")
        assert app.seen == ["/wait", "/0", "/1", "/2"]

    play(run())


def test_nothing_is_read_while_requests_wait(play: Play) -> None:
    """A listener for disconnects does not make the connection read either."""

    async def run() -> None:
        app = Recorder()
        async with (
            serving(app, connections=limits(pipelined=100)) as port,
            connected(port) as client,
        ):
            client.send(request(path="/stream"))
            await until(lambda: app.written)
            client.send(request(path="/a"))
            many = request(path="/b") * 1_000_000
            client.writer.write(many)
            await client.reader.readexactly(8 << 20)
            assert client.writer.transport.get_write_buffer_size() > len(many) // 2

    play(run())


def test_a_client_that_sends_its_next_request_early_is_answered_in_order(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            for start in range(0, 100, 20):
                paths = [f"/{n}" for n in range(start, start + 20)]
                client.send(*(request("POST", path, "Content-Length: 2") + b"ab" for path in paths))
                assert [await client.answer() for _ in paths] == [
                    (200, path.encode()) for path in paths
                ]

    play(run())


def test_the_end_of_a_connection_reaches_the_request_that_is_answered(play: Play) -> None:
    """This holds although another request waits after it."""

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port:
            async with connected(port) as client:
                client.send(request(path="/stream"), request(path="/a"))
                await until(lambda: app.written > 2)
            await until(lambda: app.gone)
        assert app.seen == ["/stream"]

    play(run())
