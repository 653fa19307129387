"""uvicorn's HTTP/1.1 connection, with what uploads need beyond it.

1. A body of known length can be lent to threads (``lent_body``), and the connection goes on behind
   it: keep-alive, pipelined requests.
2. Trailers are kept apart from headers: httptools reports both by one callback, and uvicorn would
   append a trailer to the list that the application reads its headers from (C68).
3. Bytes that were received are handed over before the disconnect that followed them: uvicorn drops
   up to 64 KiB when the client goes away while the application is busy (C55).
4. An answer to an unread body reaches the client: see ``slow_end``.
5. Interim responses (1xx with fields), for protocols that tell progress by them.

What it relies on in uvicorn is tried out at each start (``self_check``).
"""

import socket
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from tusd_py.ingest.extensions import INTERIM, LENDER, TRAILERS
from tusd_py.ingest.slow_end import KEEP_BYTES, SlowEnd
from tusd_py.ingest.wire import Wire

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent

PAUSE_FROM_BYTES: Final = 64 << 10
"""A larger body is left on the wire until somebody wants it."""


class TusHttpProtocol(HttpToolsProtocol):
    """Speaks HTTP/1.1 to one client."""

    cycle: "_Cycle"
    lends = True
    _trailers: list[tuple[bytes, bytes]] | None = None
    _incoming: "_Incoming | None" = None
    """The body that is being parsed, if it can be lent."""
    _end: SlowEnd | None = None
    stopping = False

    # -- parsing

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._end is not None:
            self._end.drop(len(data))
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A new request: headers first."""
        self._trailers = None
        self._incoming = None
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer once the head is complete."""
        if self._trailers is not None:
            self._trailers.append((name.lower(), value))
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is complete; the application starts at the loop's next turn."""
        self._trailers = []
        extensions: dict[str, Any] = {TRAILERS: {"fields": self._trailers}, INTERIM: {}}
        length = self._lendable()
        if length:
            self._incoming = _Incoming(self, length)
            if self.lends:
                extensions[LENDER] = {"lender": self._incoming}
        self.scope["extensions"] = extensions
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is before:
            return  # it becomes a WebSocket
        self.cycle.__class__ = _Cycle
        self.cycle.connection = self
        self.cycle.incoming = self._incoming
        if self._incoming is not None:
            self._incoming.cycle = self.cycle
            if length > PAUSE_FROM_BYTES:
                self.flow.pause_reading()

    def _lendable(self) -> int:
        """Length of a body that can be received past the parser, in bytes; 0: there is none."""
        length = 0
        for name, value in self.headers:
            if name == b"content-length" and value.isdigit():
                length = int(value)
            elif name in (b"transfer-encoding", b"upgrade"):
                return 0
        connection = self.transport.get_extra_info("socket")
        plain = connection is not None and self.scheme == "http"
        return length if plain and connection.type == socket.SOCK_STREAM else 0

    def on_body(self, body: bytes) -> None:
        """Bytes of the body that came by way of the parser."""
        if self._incoming is not None:
            self._incoming.left -= len(body)
        super().on_body(body)

    def skip_body(self) -> None:
        """The rest of the body went past the parser: a new one starts at the next request."""
        if self.transport.is_closing():
            return
        self._incoming = None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    # -- ending

    def end_slowly(self) -> None:
        """Close, with an unread body still arriving."""
        self._unset_keepalive_if_required()
        if not self.transport.is_closing():
            self._end = SlowEnd(self.transport, self.loop)
            self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, or we are."""
        if self._end is not None:
            self._end.over()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server is stopping."""
        self.stopping = True
        super().shutdown()


class UnlendingTusHttpProtocol(TusHttpProtocol):
    """The same, with all bodies by way of ASGI."""

    lends = False


class _Incoming:
    """A body of known length on its way in (``lent_body.Lender``)."""

    cycle: "_Cycle"

    def __init__(self, connection: TusHttpProtocol, length: int) -> None:
        self._connection = connection
        self._keeps_alive = False
        self.length = length
        self.left = length
        """Bytes that the parser has not seen."""

    def lend(self) -> tuple[bytes | bytearray, Wire | None]:
        """See ``Lender.lend``."""
        connection, cycle = self._connection, self.cycle
        cycle.ask_for_body()
        early, cycle.body = cycle.body, bytearray()
        if not self.left:
            return early, None
        connection.flow.pause_reading()
        # So that a receive() elsewhere (a middleware's) can't resume reading while threads do.
        connection.flow.read_paused = False
        # Until the connection is known to stand at a request's first byte.
        self._keeps_alive, cycle.keep_alive = cycle.keep_alive, False
        own = connection.transport.get_extra_info("socket")
        return early, Wire(socket.socket(fileno=_duplicate(own)), self.left)

    def take_back(self, wire: Wire) -> None:
        """See ``Lender.take_back``."""
        self.left = wire.left
        self._connection.flow.read_paused = True
        if not self.left:
            self.cycle.keep_alive = self._keeps_alive and not self._connection.stopping
            self._connection.skip_body()
            self.cycle.more_body = False
            self.cycle.message_event.set()


def _duplicate(connection: socket.socket) -> int:
    return connection.dup().detach()


class _Cycle(RequestResponseCycle):
    """One request and its answer."""

    connection: TusHttpProtocol
    incoming: _Incoming | None

    def ask_for_body(self) -> None:
        """Say 100 Continue to who waits for it."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False

    async def receive(self) -> "ASGIReceiveEvent":
        """The next bytes; those that came before a disconnect precede it."""
        if self.disconnected and self.body and not self.response_complete:
            body, self.body = bytes(self.body), bytearray()
            # The end of the body, if it came, stays true although the client has left.
            return {"type": "http.request", "body": body, "more_body": self.more_body}
        message = await super().receive()
        if message["type"] == "http.disconnect" and self.body and not self.response_complete:
            return await self.receive()
        return message

    async def send(self, message: "ASGISendEvent") -> None:
        """A piece of the answer."""
        kind = cast("str", message["type"])
        if kind == INTERIM:
            self._send_interim(cast("MutableMapping[str, Any]", message))
            return
        if kind == "http.response.start" and self._unread():
            self.keep_alive = False
        ends = kind == "http.response.body" and not message.get("more_body", False)
        if not (ends and self.more_body and not self.keep_alive and not self.disconnected):
            await super().send(message)
            return
        # It must not close at once, which would hide the answer from who still sends.
        self.keep_alive = True
        await super().send(message)
        self.keep_alive = False
        self.connection.end_slowly()

    def _unread(self) -> bool:
        """Whether more of the body is to come than is worth reading for the connection's sake."""
        if not self.more_body:
            return False
        # Who waits for 100 Continue may send the body or not: what comes next can't be told.
        return (
            self.waiting_for_100_continue
            or self.incoming is None
            or self.incoming.left > KEEP_BYTES
        )

    def _send_interim(self, message: MutableMapping[str, Any]) -> None:
        if self.response_started:
            raise RuntimeError("an interim response after the response started")
        if self.disconnected or self.scope["http_version"] == "1.0":
            return
        lines = [STATUS_LINE[message["status"]]]
        for name, value in message.get("headers", ()):
            lines += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join((*lines, b"\r\n")))
