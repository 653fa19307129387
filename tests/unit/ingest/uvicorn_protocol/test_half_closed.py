"""Tests of clients that close their sending side."""

from collections.abc import Callable, Coroutine

import pytest
from support.async_http import CHUNKED, connected, request
from support.recorder import Recorder
from support.uvicorn_server import limits, serving
from support.waiting import until

from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol

pytestmark = pytest.mark.slow

Play = Callable[[Coroutine[None, None, None]], None]


@pytest.mark.parametrize(
    ("sent", "bodies"),
    [
        ((request(path="/a"),), [b"/a"]),
        ((request(path="/wait"),), [b"/wait"]),
        ((request(path="/wait"), request(path="/a")), [b"/wait", b"/a"]),
        ((request(path="/a"), request(path="/b")[:-2]), [b"/a"]),
        (
            (request(path="/wait"), request("POST", "/b", "Content-Length: 3"), b"ab"),
            [b"/wait"],
        ),
        ((request("POST", "/a", "Content-Length: 3"), b"abc"), [b"/a"]),
    ],
)
def test_a_client_that_closes_one_side_is_answered(
    play: Play, monkeypatch: pytest.MonkeyPatch, sent: tuple[bytes, ...], bodies: list[bytes]
) -> None:
    seen_by_server = []
    eof_received = TusHttpProtocol.eof_received

    def note(connection: TusHttpProtocol) -> bool:
        seen_by_server.append(connection)
        return eof_received(connection)

    monkeypatch.setattr(TusHttpProtocol, "eof_received", note)

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            client.send(*sent)
            client.writer.write_eof()
            # After a request that waits for its turn, the end is read once that request begins.
            await until(lambda: app.seen and (seen_by_server or len(sent) > 1))
            app.go.set()
            assert [body for _, body in await client.answers()] == bodies

    play(run())


@pytest.mark.parametrize(
    ("sent", "gone"),
    [
        (request()[:-2], []),
        (b"", []),
        (request("POST", "/a", "Content-Length: 300000") + b"ab", ["/a"]),
        (CHUNKED + b"3\r\nabc\r\n", ["/a"]),
        (request(path="/stream"), ["/stream"]),
    ],
)
def test_a_client_that_closes_one_side_within_a_request_has_disconnected(
    play: Play, sent: bytes, gone: list[str]
) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            client.send(sent)
            client.writer.write_eof()
            await client.reader.read()
            await until(lambda: app.gone == gone)

    play(run())
