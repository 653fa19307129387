"""What a connection refuses, waits for and gives up, on a server whose limits are small."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import pytest
from support.uvicorn_server import Receive, Scope, Send, serving
from support.waiting import until

from tusd_py.ingest import connections, uvicorn_protocol
from tusd_py.ingest.parsing_share import ParsingShare
from tusd_py.settings_sections import ConnectionSettings

Play = Callable[[Coroutine[None, None, None]], None]

NEVER = 3600.0
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENT: dict[str, Any] = {
    "head_timeout": NEVER, "idle_timeout": NEVER, "send_timeout": NEVER,
}  # fmt: skip


def limits(**values: Any) -> ConnectionSettings:
    return ConnectionSettings(**{**PATIENT, **values})


class Recorder:
    """Takes each body and answers with the path; ``/wait`` is answered once ``go`` is set, ``/stream``
    never ends, ``/large`` has a length that is more than any buffer's."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.bodies: list[bytes] = []
        self.gone: list[str] = []
        self.written = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.seen.append(path)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.append(path)
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(bytes(body))
        if path == "/wait":
            await self.go.wait()
        if path in {"/stream", "/large"}:
            await self._stream(path, receive, send)
            return
        text = path.encode()
        length = (b"content-length", b"%d" % len(text))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": text})

    async def _stream(self, path: str, receive: Receive, send: Send) -> None:
        fields = [(b"content-length", b"%d" % (1 << 30))] if path == "/large" else []
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        gone = asyncio.ensure_future(receive())
        while not gone.done():
            self.written += 1
            piece = bytes(256 << 10)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if path == "/stream":
                await asyncio.wait([gone], timeout=0.01)
            else:
                await asyncio.sleep(0)
        self.gone.append(path)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    async def answers(self) -> list[tuple[int, bytes]]:
        """All answers until the server closes: statuses and bodies."""
        return split(await self.reader.read())

    async def answer(self) -> tuple[int, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1]), await self.reader.readexactly(_length(head))


def split(received: bytes) -> list[tuple[int, bytes]]:
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = _length(head)
        found.append((int(head.split()[1]), rest[:length]))
        received = rest[length:]
    return found


def _length(head: bytes) -> int:
    return next(
        (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def request(method: str = "GET", path: str = "/", *fields: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def code_of(answer: tuple[int, bytes]) -> tuple[int, str]:
    members = json.loads(answer[1])
    assert members["status"] == answer[0]
    assert members["detail"]
    assert members["error"]
    return answer[0], members["code"]


# -- framing: a change of protocol

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
def test_no_byte_behind_a_refused_upgrade_is_a_request(play: Play, later: bool) -> None:
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


def test_a_refused_upgrade_comes_behind_the_answers_before_it(play: Play) -> None:
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
def test_half_of_an_upgrade_is_none(play: Play, fields: Sequence[str]) -> None:
    """``Connection: upgrade`` stands in every request behind many a proxy."""

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            length = f"Content-Length: {len(SMUGGLED)}"
            client.send(request("POST", "/a", *fields, length), SMUGGLED)
            assert await client.answer() == (200, b"/a")
        assert (app.seen, app.bodies) == (["/a"], [SMUGGLED])

    play(run())


def test_nothing_behind_a_failed_handshake_is_a_request(play: Play) -> None:
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


# -- framing: chunked bodies take turns

# More than is parsed at once.
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


def test_what_follows_a_body_that_was_parsed_in_turns_is_whole_and_in_order(
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


# -- framing: requests that wait


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
    """Whatever the application asks for: a listener for disconnects reads nothing in."""

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
    """Although another one waits behind it."""

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port:
            async with connected(port) as client:
                client.send(request(path="/stream"), request(path="/a"))
                await until(lambda: app.written > 2)
            await until(lambda: app.gone)
        assert app.seen == ["/stream"]

    play(run())


# -- sizes

MIB = 1 << 20
TOO_LARGE = {
    "value": (request()[:-2] + b"A: " + b"a" * MIB, 431, "head_too_large"),
    "name": (request()[:-2] + b"a" * MIB, 431, "head_too_large"),
    "spaces": (request()[:-2] + b"A: " + b" " * MIB, 431, "head_too_large"),
    "whole value": (
        request()[:-2] + b"A: " + b"a" * 9000 + b"\r\n\r\n", 431, "head_too_large",
    ),
    "fields": (request()[:-2] + b"a:b\r\n" * 300_000, 431, "head_too_large"),
    "just too many fields": (
        request()[:-2] + b"a:b\r\n" * 20 + b"\r\n", 431, "head_too_large",
    ),
    "target": (b"GET /" + b"a" * MIB, 414, "target_too_long"),
    "whole target": (b"GET /" + b"a" * 1024 + b" HTTP/1.1\r\n\r\n", 414, "target_too_long"),
    "empty lines": (b"\r\n" * MIB, 431, "head_too_large"),
    "method": (b"G" * MIB, 400, "malformed_request"),
}  # fmt: skip


@pytest.mark.parametrize("piece", [MIB * 2, 1000], ids=["at once", "in pieces"])
def test_a_head_that_is_too_large_is_refused(play: Play, piece: int) -> None:
    small = limits(head_bytes=8192, target_bytes=1024, fields=20)

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=small) as port:
            for what, (head, status, code) in TOO_LARGE.items():
                async with connected(port) as client:
                    # A request before it, whose answer and connection are good.
                    client.send(request(path="/a"))
                    assert await client.answer() == (200, b"/a")
                    for start in range(0, len(head), piece):
                        client.send(head[start : start + piece])
                    assert code_of(await client.answer()) == (status, code), what
                    assert await client.answers() == [], what
        assert app.seen == ["/a"] * len(TOO_LARGE)

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


def test_a_head_at_its_limits_is_taken(play: Play) -> None:
    small = limits(head_bytes=8192, target_bytes=1024, fields=20)
    target = "/" + "a" * 1023
    fields = [f"a: {'b' * 100}"] * 18
    taken = len(target) + len("HostX") + 4 + 18 * (1 + 100 + 4)
    whole = request("GET", target, *fields, "c: " + "d" * (8192 - taken - 5))

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=small) as port, connected(port) as client:
            for _ in range(2):
                client.send(whole)
                assert await client.answer() == (200, target.encode())
            for byte in whole:
                client.send(bytes([byte]))
                await client.writer.drain()
            assert await client.answer() == (200, target.encode())

    play(run())


CHUNKED = request("POST", "/a", "Transfer-Encoding: chunked")
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


# -- time


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


def test_a_byte_now_and_then_is_not_in_time(play: Play) -> None:
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
        async with (
            serving(app, connections=hasty) as port,
            connected(port) as client,
            connected(port) as silent,
        ):
            client.send(request(path="/wait"))
            await until(lambda: app.seen)
            assert await silent.answers() == [], "which was opened later and is closed"
            app.go.set()
            assert await client.answer() == (200, b"/wait")

    play(run())


# -- answers that are not read


@pytest.mark.parametrize("path", ["/large", "/stream"])
def test_an_answer_that_is_not_taken_is_ended(play: Play, path: str) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits(send_timeout=0.5)) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(request(path=path))
            await until(lambda: app.gone == [path])
            client.close()

    play(run())


def test_an_answer_that_is_taken_slowly_goes_on(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        loop = asyncio.get_running_loop()
        async with serving(app, connections=limits(send_timeout=0.5)) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.setblocking(False)
            await loop.sock_sendall(client, request(path="/large"))
            taken = 0
            while taken < 8 * MIB:  # more than all buffers on the way hold
                taken += len(await loop.sock_recv(client, 64 << 10))
                await asyncio.sleep(0.01)
            assert app.gone == []
            client.close()
            await until(lambda: app.gone)

    play(run())


def test_the_last_bytes_of_a_connection_are_not_kept_for_ever(play: Play) -> None:
    """A close waits for what was written; a client that takes nothing could wait as long as it likes."""
    lost: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(b"content-length", b"%d" % (16 << 20)), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": bytes(16 << 20)})
        lost.append(scope["path"])

    async def run() -> None:
        async with serving(app, connections=limits(send_timeout=0.5)) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.settimeout(30)
            client.sendall(request())
            await until(lambda: lost)
            ours = client.getsockname()[1]
            await until(lambda: _is_orphan(port, ours))
            client.close()

    play(run())


def _is_orphan(port: int, peer_port: int) -> bool:
    """Whether the connection between these ports has no process at its first end any more."""
    ends = [f"0100007F:{port:04X}", f"0100007F:{peer_port:04X}"]
    with open("/proc/net/tcp", encoding="ascii") as table:
        inodes = [row.split()[9] for row in table if row.split()[1:3] == ends]
    return inodes in ([], ["0"])


# -- a client that closes one side


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
def test_who_closes_one_side_is_answered(
    play: Play, sent: tuple[bytes, ...], bodies: list[bytes]
) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits()) as port, connected(port) as client:
            client.send(*sent)
            client.writer.write_eof()
            await until(lambda: app.seen)
            asyncio.get_running_loop().call_later(0.05, app.go.set)
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
def test_who_closes_one_side_in_the_middle_is_gone(
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


# -- how many


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
            # The silent one goes first, then the one between requests.
            for victim, path in ((silent, "/b"), (idle, "/c")):
                client = await stack.enter_async_context(connected(port))
                client.send(request("POST", path, "Content-Length: 1"))
                await until(lambda path=path: path in app.seen)
                with suppress(ConnectionError):
                    assert await victim.reader.read() == b""
            # Now all serve: what comes is refused, and the server's health can still be had.
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
