"""Tests at each start whether our connection class works with the installed uvicorn.

The class relies on uvicorn's internals, which may change with every release. So each start sends a
few requests through socket pairs: a body that is handed over to a thread, directly followed by a
second request with a chunked body and a trailer; a change of protocol, which must be refused; a
WebSocket, whose first message must close it. If a result is not the expected one, it is logged and
another connection class serves.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import uvicorn
from uvicorn.server import ServerState

from tusd_py.ingest.scope_extensions import SOCKET_HANDOFF, TRAILERS
from tusd_py.ingest.socket_body import body_of
from tusd_py.threads import Threads
from tusd_py.uploads.body import CancelToken, DrainEnd

SECONDS: Final = 5.0
"""Deadline of the whole test; a busy machine needs less."""
_BODY: Final = bytes(range(256)) * 1024
_LENT: Final = b"PATCH /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
_CHUNKED: Final = (
    b"PATCH /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n"
    b"Connection: close\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n"
)
_HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_MESSAGE: Final = b"\x81\x81\0\0\0\0a"
_REFUSED: Final = (0x88, 1008)
"""First byte of a close frame, and its code."""
_UPGRADE: Final = (
    b"PATCH /c HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Length: 33\r\n\r\nGET /d HTTP/1.1\r\nHost: xxxxxxx\r\n\r\n"
)

Messages = Callable[[], Awaitable[MutableMapping[str, Any]]]
Answer = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Messages, Answer], Awaitable[None]]


class _Receiver:
    """Is an application that receives two bodies."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self.taken: list[tuple[bytes, DrainEnd, bool, Sequence[tuple[bytes, bytes]]]] = []

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Messages, send: Answer
    ) -> None:
        got = bytearray()

        def sink(chunks: Sequence[bytes | memoryview]) -> None:
            for chunk in chunks:
                got.extend(chunk)

        drained = await body_of(scope, receive, self._threads).drain(
            sink, limit=None, idle_timeout=SECONDS, min_rate=0, cancel=CancelToken()
        )
        extensions = scope["extensions"]
        fields = tuple(extensions[TRAILERS]["fields"])
        self.taken.append((bytes(got), drained.end, SOCKET_HANDOFF in extensions, fields))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _accept(_scope: MutableMapping[str, Any], receive: Messages, send: Answer) -> None:
    """Accept a WebSocket and wait for its end."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


@asynccontextmanager
async def _connected(
    app: Application, ws: type[asyncio.Protocol] | Literal["auto"] = "auto"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield the client's end of a connection to the application through our connection class."""
    from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol

    served = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws=ws)
    served.load()
    ours, theirs = socket.socketpair()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
        lambda: TusHttpProtocol(served, ServerState(), {}), ours
    )
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        transport.abort()
        await asyncio.sleep(0)


async def _send_message() -> str | None:
    """Return what is wrong with WebSockets; None if they work."""
    from tusd_py.ingest.websocket_protocol import ListenerProtocol

    async with _connected(_accept, ws=ListenerProtocol) as (reader, writer):
        writer.write(_HANDSHAKE)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_MESSAGE)
        frame = await reader.read()
    if not head.startswith(b"HTTP/1.1 101 "):
        return f"a WebSocket was answered by {head[:200]!r}"
    if (frame[0], int.from_bytes(frame[2:4])) != _REFUSED:
        return f"a WebSocket's message was answered by {frame[:200]!r}"
    return None


async def _converse() -> str | None:
    return await _send_bodies() or await _send_message()


async def _send_bodies() -> str | None:
    threads = Threads()
    receiver = _Receiver(threads)
    try:
        answers = await _exchange(receiver, _LENT + _BODY + _CHUNKED)
        refusal = await _exchange(receiver, _UPGRADE)
    finally:
        threads.close()
    if answers.count(b"HTTP/1.1 204 ") != 2:
        return f"two requests were answered by {answers[:200]!r}"
    if b"upgrade_refused" not in refusal:
        return f"a change of protocol was answered by {refusal[:200]!r}"
    expected = [
        (_BODY, DrainEnd.COMPLETE, True, ()),
        (b"abc", DrainEnd.COMPLETE, True, ((b"t", b"1"),)),
    ]
    return None if receiver.taken == expected else "bodies or trailers did not come through whole"


async def _exchange(receiver: _Receiver, sent: bytes) -> bytes:
    """Send the bytes over one connection; return what is received until it is closed."""
    async with _connected(receiver) as (reader, writer):
        writer.write(sent)
        return await reader.read()


def compat_check() -> str | None:
    """Return a description of what does not work; None if all works. Takes some milliseconds."""
    log = logging.getLogger("uvicorn.error")
    disabled, log.disabled = log.disabled, True
    try:
        return asyncio.run(asyncio.wait_for(_converse(), SECONDS))
    except Exception as error:  # noqa: BLE001  (a change in uvicorn may raise anything)
        return f"{type(error).__name__}: {error}"
    finally:
        log.disabled = disabled
