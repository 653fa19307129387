"""Tests of the WebSocket connection class in a uvicorn, with raw clients."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import uvloop
from support import uvicorn_server

from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol
from tusd_py.ingest.websocket_protocol import FRAMES_PER_SECOND, ListenerProtocol
from tusd_py.server import WEBSOCKET_MESSAGE_BYTES
from tusd_py.settings.limits import ConnectionSettings

pytestmark = pytest.mark.slow

HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
)
TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
Scene = Callable[[], Coroutine[None, None, None]]


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, compressed: bool = False
) -> bytes:
    """Return a masked frame of a client, with a mask of zeros."""
    first = (0x80 if fin else 0) | (0x40 if compressed else 0) | opcode
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return bytes([first]) + length + bytes(4) + payload


class Peer:
    """Writes and reads raw frames as a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.head = b""

    async def open(self, extra: bytes = b"", *, behind: bytes = b"") -> "Peer":
        """Send the handshake with more fields, and bytes after it; read the answer's head."""
        self.writer.write(HANDSHAKE + extra + b"\r\n" + behind)
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        return self

    async def frames(self) -> list[tuple[int, bytes]]:
        """Return all frames that the server sends until the connection ends."""
        found = []
        while True:
            try:
                first, length = await self.reader.readexactly(2)
                if length == 126:
                    (length,) = struct.unpack("!H", await self.reader.readexactly(2))
                found.append((first & 15, await self.reader.readexactly(length)))
            except (asyncio.IncompleteReadError, ConnectionError):
                return found

    async def close_code(self) -> int | None:
        """Wait for the end, and return the code of the server's close frame; None: there was none."""
        for opcode, payload in await self.frames():
            if opcode == CLOSE:
                return int(struct.unpack("!H", payload[:2])[0])
        return None


class App:
    """Accepts, then waits for the end; ``received``: the types of its messages."""

    def __init__(self, *, sends: bytes = b"") -> None:
        self.called = asyncio.Event()
        self.may_accept = asyncio.Event()
        self.may_accept.set()
        self.received: list[str] = []
        self.ended = asyncio.Event()
        self._sends = sends

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        assert scope["type"] == "websocket"
        await receive()
        self.called.set()
        await self.may_accept.wait()
        await send({"type": "websocket.accept"})
        sending = asyncio.ensure_future(self._send(send))
        while True:
            message = await receive()
            self.received.append(message["type"])
            if message["type"] == "websocket.disconnect":
                break
        sending.cancel()
        self.ended.set()

    async def _send(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        while self._sends:
            await send({"type": "websocket.send", "bytes": self._sends})


@asynccontextmanager
async def serving(app: App, **config: Any) -> AsyncIterator[Callable[[], Awaitable[Peer]]]:
    """Serve the application, and yield a function that connects clients to it."""
    config = {
        "ws_max_size": WEBSOCKET_MESSAGE_BYTES, "ws_per_message_deflate": False,
        "ws": ListenerProtocol, **config,
    }  # fmt: skip
    async with uvicorn_server.serving(app, **config) as port:
        peers = []

        async def connect() -> Peer:
            peers.append(Peer(*await asyncio.open_connection("127.0.0.1", port)))
            return peers[-1]

        try:
            yield connect
        finally:
            for peer in peers:
                peer.writer.transport.abort()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Run a test on each of the event loops that uvicorn may use, for a minute at most."""

    def run(scene: Scene) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(scene(), 60))

    return run


DATA = {
    "a text": frame(TEXT, b"a"),
    "bytes": frame(BINARY, b"a"),
    "an empty text": frame(TEXT),
    "a message that is never completed": frame(TEXT, b"a", fin=False),
    "an empty fragment": frame(BINARY, fin=False),
    "one-byte messages": frame(TEXT, b"a") * 100_000,
    "one-byte fragments": frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"a", fin=False) * 100_000,
    "pings": frame(PING) * 100_000,
    "largest pings": frame(PING, bytes(125)) * 50_000,
    "pongs": frame(PONG) * 100_000,
    "pings of half a second": frame(PING) * (FRAMES_PER_SECOND + 1),
    "a message of 15 MiB": frame(BINARY, bytes(65_000), fin=False) * 240,
}  # fmt: skip


@pytest.mark.parametrize("data", DATA)
def test_a_client_that_sends_data_is_refused(play: Callable[[Scene], None], data: str) -> None:
    async def scene() -> None:
        app = App()
        async with serving(app) as connect:
            peer = await (await connect()).open()
            peer.writer.write(DATA[data])
            assert await peer.close_code() == 1008
            await app.ended.wait()
            assert app.received == ["websocket.disconnect"], "the application received the data"

    play(scene)


@pytest.mark.parametrize("one_packet", [False, True], ids=["later", "with the head"])
@pytest.mark.parametrize("data", DATA)
def test_a_client_that_sends_data_before_the_answer_is_refused_after_it(
    play: Callable[[Scene], None], data: str, *, one_packet: bool
) -> None:
    async def scene() -> None:
        app = App()
        app.may_accept.clear()
        async with serving(app) as connect:
            peer = await connect()
            behind = DATA[data] if one_packet else b""
            opening = asyncio.ensure_future(peer.open(behind=behind))
            await app.called.wait()
            peer.writer.write(DATA[data])
            app.may_accept.set()
            assert (await opening).head.startswith(b"HTTP/1.1 101 ")
            assert await peer.close_code() == 1008
            await app.ended.wait()
            assert app.received == ["websocket.disconnect"]

    play(scene)


def test_a_compressed_message_is_an_error_of_the_protocol(play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(App()) as connect:
            peer = await (await connect()).open()
            assert b"permessage-deflate" not in peer.head
            peer.writer.write(frame(TEXT, b"a", compressed=True))
            assert await peer.close_code() == 1002

    play(scene)


def test_a_few_pings_are_answered_and_a_close_too(play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        app = App()
        async with serving(app) as connect:
            peer = await (await connect()).open()
            peer.writer.write(frame(PING, b"one") + frame(PONG) + frame(PING, b"two"))
            peer.writer.write(frame(CLOSE, struct.pack("!H", 1000)))
            assert await peer.frames() == [
                (PONG, b"one"), (PONG, b"two"), (CLOSE, struct.pack("!H", 1000)),
            ]  # fmt: skip
            await app.ended.wait()

    play(scene)


def test_data_before_the_answer_is_not_read(play: Callable[[Scene], None]) -> None:
    """The application may take long to decide; a client can't fill the memory meanwhile."""

    async def scene() -> None:
        app = App()
        app.may_accept.clear()
        async with serving(app) as connect:
            peer = await connect()
            peer.writer.write(HANDSHAKE + b"\r\n")
            await app.called.wait()
            peer.writer.transport.set_write_buffer_limits(high=1 << 20)
            sent = asyncio.ensure_future(_pour(peer.writer))
            stuck_at = -1
            while stuck_at != peer.writer.transport.get_write_buffer_size() or not stuck_at:
                stuck_at = peer.writer.transport.get_write_buffer_size()
                await asyncio.sleep(0.2)
            app.may_accept.set()
            assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            assert await peer.close_code() == 1008
            sent.cancel()

    play(scene)


async def _pour(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(frame(PONG) * 10_000)
        await writer.drain()


def test_a_head_of_too_many_fields_is_answered(play: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        async with serving(App()) as connect:
            peer = await (await connect()).open(b"".join(b"X: %d\r\n" % n for n in range(130)))
            assert peer.head.startswith(b"HTTP/1.1 431 ")
            await peer.reader.read()

    play(scene)


def test_a_client_that_vanished_without_a_close_is_detected(play: Callable[[Scene], None]) -> None:
    """The client answers no ping; the test reads the close frame nevertheless."""

    async def scene() -> None:
        app = App()
        async with serving(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as connect:
            peer = await (await connect()).open()
            assert await peer.close_code() == 1011
            await app.ended.wait()

    play(scene)


def test_a_client_that_reads_nothing_is_dropped(play: Callable[[Scene], None]) -> None:
    """A close would wait for the client: the connection is aborted instead."""

    async def scene() -> None:
        app = App(sends=bytes(60_000))
        limits = ConnectionSettings(send_timeout=0.5)
        http = type("Hasty", (TusHttpProtocol,), {"limits": limits})
        async with serving(app, http=http, ws_ping_interval=0.2, ws_ping_timeout=0.2) as connect:
            peer = await connect()
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            peer.writer.write(HANDSHAKE + b"\r\n")
            await app.ended.wait()

    play(scene)


def test_a_refused_handshake_leaves_no_error_in_the_log(
    play: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Any client can send such handshakes: an error for each would hide the important ones."""

    async def refuse(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})

    async def scene() -> None:
        async with serving(refuse) as connect:  # type: ignore[arg-type]
            peer = await (await connect()).open()
            assert peer.head.startswith(b"HTTP/1.1 404 ")
            assert await peer.reader.read() == b"no"

    play(scene)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
