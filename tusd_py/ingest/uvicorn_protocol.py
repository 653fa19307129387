"""Extends uvicorn's HTTP/1.1 connection with what uploads need.

1. The socket of a body of known length can be handed over to threads (``socket_body``); the
   connection continues after the body: keep-alive, pipelined requests.
2. Trailers are separate from headers: httptools reports both by one callback, and uvicorn would
   append a trailer to the list from which the application reads its headers (check C68).
3. Bytes that were received are delivered before the disconnect that followed them: uvicorn drops
   up to 64 KiB when the client disconnects while the application is busy (check C55).
4. The client receives the answer to a request whose body was not read: see ``lingering_close``.
5. There are interim responses (1xx with fields), for protocols that report progress by them.
6. There are limits (``settings.connections``) on heads, trailers, requests that wait, connections
   and their time, which neither uvicorn nor httptools has. The protocol can only change to a
   WebSocket, after whose handshake nothing is parsed as HTTP (decision 23).
7. A client that closes its sending side after a request is answered.
8. A client that has connected is answered, although the server begins to stop.

Each start tests the parts of uvicorn on which this relies (``compat_check``).
"""

import logging
import socket
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from tusd_py.counts.port import Counts
from tusd_py.ingest.connections import Connections, connections_of
from tusd_py.ingest.incoming_body import IncomingBody, IncomingChunks, IncomingLength
from tusd_py.ingest.lingering_close import LingeringClose
from tusd_py.ingest.refusals import (
    HeadTimeout,
    HeadTooLarge,
    Refusal,
    ServerBusy,
    TargetTooLong,
    TooManyPipelined,
    TrailersTooLarge,
    UpgradeRefused,
)
from tusd_py.ingest.request_head import (
    check_transfer_coding,
    is_websocket_handshake,
    take_host_of_target,
)
from tusd_py.ingest.scope_extensions import INTERIM, SOCKET_HANDOFF, TRAILERS
from tusd_py.ingest.tls import LendableTls, make_lendable
from tusd_py.ingest.upgraded import Upgraded
from tusd_py.ingest.uvicorn_request import (
    ConnectionFlow,
    RequestCycle,
    known_length,
)
from tusd_py.settings.limits import ConnectionSettings

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn._types import ASGI3Application

log = logging.getLogger(__name__)

PAUSE_FROM_BYTES: Final = 64 << 10
"""Reading pauses before a larger body until the application receives it."""
HEAD_PIECE_BYTES: Final = 8 << 10
"""Bytes that are parsed at once: at most 0.6 ms of work, for a head and chunks of one byte.

Each connection may need this time in one iteration of the loop ...
"""
BODY_PIECE_BYTES: Final = 64 << 10
"""... while at most one piece of a chunked body is parsed beyond the share of the iteration."""
LINE_OVERHEAD: Final = 32
"""Bytes of a request line without its target, and of the head's end: method, version, line ends."""
FIELD_OVERHEAD: Final = 4
"""Bytes of a field line without name and value: colon, space, line end."""


class TusHttpProtocol(HttpToolsProtocol):
    """Speaks HTTP/1.1 to one client."""

    limits: ClassVar = ConnectionSettings()
    min_rate: ClassVar = 256
    """Bytes a second that a client must at least read of an answer that waits."""
    counts: ClassVar[Counts | None] = None
    """Counts of the connections of all processes that serve this port; None: there is one."""
    servers: ClassVar = 1
    """Number of these processes."""
    vital: ClassVar[frozenset[bytes]] = frozenset({b"/healthz"})
    """Targets that are served beyond the limit of connections, and before all others."""
    hands_off: ClassVar = True
    stop_seconds: ClassVar = 1.0
    """How long a stopping server waits for the head of a client that has connected."""

    flow: ConnectionFlow
    cycle: RequestCycle
    """Request that was parsed last."""
    table: Connections
    _running: RequestCycle | None = None
    """Request that is being answered."""
    _trailers: list[tuple[bytes, bytes]] | None = None
    _incoming: IncomingLength | None = None
    """Body of known length that is being parsed, if its socket can be handed over."""
    _unparsed_chunks: IncomingChunks | None = None
    """Chunked body of which nothing is parsed here as long as this is set."""
    _last = b""
    """Last three bytes that were parsed."""
    _ends_with_head = False
    """Whether the piece that is being parsed ends where a head ends."""
    _end: LingeringClose | None = None
    stopping = False

    head_begun = False
    _in_body = False
    _rest = memoryview(b"")
    """Bytes of the last read that are not parsed yet."""
    _heads = 0
    """Number of complete heads since the connection began."""
    _unparsed = 0
    """Bytes of an incomplete head, counted in the reads in which no head became complete."""
    _body_came = False
    """Whether the parser found bytes of a body in the last piece."""
    _framing = 0
    """Number of bytes since the last bytes of a body: chunk sizes, chunk extensions, trailers."""
    _room = 0
    """Number of bytes that the head, or the trailers, may still have."""
    _refusal: Refusal | None = None
    """If set, nothing more is parsed; it is sent after the requests before it are answered."""
    half_closed = False
    _can_lend = False
    """Whether threads can receive from the socket."""

    # -- the connection

    def __init__(self, config: "Config", *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(config, *arguments, **named)
        if self.hands_off and config.ssl is not None:
            make_lendable(config.ssl)

    def connection_made(self, transport: "asyncio.Transport") -> None:  # type: ignore[override]
        """Start a connection, or refuse it when there are too many."""
        super().connection_made(transport)
        own = transport.get_extra_info("socket")
        self._can_lend = own is not None and own.type == socket.SOCK_STREAM
        self.flow = ConnectionFlow(transport, self)
        self.table = connections_of(
            self.server_state, self.limits, self.min_rate, self.counts, self.servers
        )
        if not self.table.admit(self, self.client[0] if self.client else None):
            self._refusal = ServerBusy()
            transport.write(self._refusal.answer(self.server_state.default_headers))
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Process bytes from the client."""
        self._rest = memoryview(data)
        if self._in_chunked_body() and self.table.parsing.is_waited_for:
            self._parse_later()
        else:
            self._parse_rest()

    def _parse_rest(self) -> None:
        """Parse the bytes of the last read; of chunked bodies only as many as the share allows.

        Only the rest of a chunked body may wait: the socket of a body of known length can be handed
        over in the next iteration.
        """
        while self._rest:
            if self._unparsed_chunks is not None and self._end is None:
                return
            in_chunked_body = self._in_chunked_body()
            if in_chunked_body and self.table.parsing.is_spent:
                self._parse_later()
                return
            size = BODY_PIECE_BYTES if in_chunked_body else self._piece_bytes()
            piece, self._rest = self._rest[:size], self._rest[size:]
            self._last = (self._last + bytes(piece[-3:]))[-3:]
            if in_chunked_body:
                self._ends_with_head = False
                self.table.parsing.spend(partial(self._parse, piece))
            else:
                self._parse(piece)
        if self._unparsed_chunks is None:
            self.flow.release()

    def _piece_bytes(self) -> int:
        """Return the number of bytes to parse now: a head is parsed without what follows it."""
        self._ends_with_head = False
        if not self._in_body:
            before = self._last if self.head_begun else b""
            text = before + bytes(self._rest[:HEAD_PIECE_BYTES])
            # Line ends before a head are skipped by the parser, and must not be parsed one by one.
            begin = 0 if before else len(text) - len(text.lstrip(b"\r\n"))
            end = text.find(b"\r\n\r\n", begin)
            if end >= 0:
                self._ends_with_head = True
                return end + 4 - len(before)
        return HEAD_PIECE_BYTES

    def parse_body(self) -> None:
        """Parse the bytes behind the head, unless another way was chosen for them."""
        if self._unparsed_chunks is not None and not self._unparsed_chunks.is_lent:
            self.continue_parsing(bytes(self._rest))

    def unparsed_body(self) -> bytes | None:
        """Return what was received behind the head; see ``incoming_body.Lender``."""
        if self._unparsed_chunks is None:
            return None
        rest, self._rest = bytes(self._rest), memoryview(b"")
        return rest

    def continue_parsing(self, data: bytes) -> None:
        """Continue with these bytes; see ``incoming_body.Lender``."""
        self._unparsed_chunks = None
        self._rest = memoryview(data)
        self._parse_rest()

    def _parse_later(self) -> None:
        self.flow.hold()
        self.table.parsing.wait(self._parse_rest)

    def _in_chunked_body(self) -> bool:
        return self._in_body and self._incoming is None

    def _parse(self, data: memoryview) -> None:
        if self._end is not None:
            self._end.drop(len(data))
            return
        if self._refusal is not None:
            return
        in_body, heads = self._in_body, self._heads
        try:
            self.parser.feed_data(data)
            if heads == self._heads:
                self._count(len(data), in_body=in_body)
            elif self.head_begun:
                # How many of these bytes belong to the new head is not known: less than a piece.
                self.table.head_grows(self, 0)
        except httptools.HttpParserUpgrade as upgrade:
            behind = bytes(data[upgrade.args[0] :]) + bytes(self._rest)
            self._rest = memoryview(b"")
            self.handle_websocket_upgrade()
            if behind:
                cast("asyncio.Protocol", self.transport.get_protocol()).data_received(behind)
        except Refusal as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refusal) else Refusal())

    def _count(self, count: int, *, in_body: bool) -> None:
        """Count ``count`` bytes in which no head became complete.

        Raises: Refusal: there were too many bytes that are neither a complete head nor a body.
        """
        if not in_body:
            self._unparsed += count
            if self._unparsed > self.limits.head_bytes + LINE_OVERHEAD:
                raise HeadTooLarge
            self.table.head_grows(self, count)
            return
        if self._body_came:
            self._body_came, self._framing = False, 0
        else:
            self._framing += count
            if self._framing > self.limits.trailer_bytes:
                raise TrailersTooLarge
        if self.head_begun:
            self.table.head_grows(self, 0)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the WebSocket's protocol."""
        self.table.serves(self)
        super().handle_websocket_upgrade()
        websocket = cast("asyncio.Protocol", self.transport.get_protocol())
        self.transport.set_protocol(Upgraded(self.table, self, websocket))

    # -- parsing

    def on_message_begin(self) -> None:
        """Begin a new request."""
        self.head_begun = True
        self._trailers = None
        self._incoming = None
        self._room = self.limits.head_bytes
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Add a piece of the request's target."""
        self._room -= len(url)
        self.url += url
        if len(self.url) > self.limits.target_bytes:
            raise TargetTooLong

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header, or a trailer if the head is complete."""
        self._room -= len(name) + len(value) + FIELD_OVERHEAD
        name = name.lower()
        fields = self.headers if self._trailers is None else self._trailers
        if self._room < 0 or len(fields) >= self.limits.fields:
            raise HeadTooLarge if self._trailers is None else TrailersTooLarge
        if self._trailers is None:
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            elif name == b"transfer-encoding":
                check_transfer_coding(value, self.headers, self.parser.get_http_version())
        fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Check the complete head and begin its request."""
        if not self.url.startswith((b"/", b"*")):
            take_host_of_target(self.url, self.headers)
        if self.parser.should_upgrade():
            if not self._is_websocket():
                raise UpgradeRefused
            self.head_begun = False
            super().on_headers_complete()
            return
        if self._running is not None and len(self.pipeline) >= self.limits.pipelined:
            raise TooManyPipelined
        if self.table.is_spare(self) and self.url.partition(b"?")[0] not in self.vital:
            raise ServerBusy
        self._trailers = []
        extensions: dict[str, Any] = {TRAILERS: {"fields": self._trailers}, INTERIM: {}}
        lender = self._lender()
        if lender is not None and self.hands_off:
            extensions[SOCKET_HANDOFF] = {"lender": lender}
        self.scope["extensions"] = extensions
        super().on_headers_complete()
        self.head_begun, self._in_body = False, True
        self._heads += 1
        self._unparsed = self._framing = 0
        self._room = self.limits.trailer_bytes
        self.cycle.__class__ = RequestCycle
        self.cycle.keep_alive = self.cycle.keep_alive and not self.stopping
        self.cycle.connection = self
        self.cycle.incoming = self._incoming
        if lender is not None:
            self._hold_back(lender)

    def _lender(self) -> IncomingBody | None:
        """Return what can hand over the socket of this request's body; None: nothing can."""
        if not self._can_lend:
            return None
        tls = self.transport.get_extra_info("ssl_object")
        if tls is not None and not (isinstance(tls, LendableTls) and tls.can_be_lent):
            return None
        length = known_length(self.headers)
        if length:
            self._incoming = IncomingLength(self, length)
            return self._incoming
        is_chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
        if self.hands_off and self._ends_with_head and is_chunked:
            self._unparsed_chunks = IncomingChunks(self)
            return self._unparsed_chunks
        return None

    def _hold_back(self, lender: IncomingBody) -> None:
        """Read no more of a body before the application receives it."""
        # The request has the lender in its scope: without the collector neither would be freed.
        lender.cycle = weakref.proxy(self.cycle)
        if self._unparsed_chunks is not None:
            self.flow.hold()
        elif self._incoming is not None and self._incoming.length > PAUSE_FROM_BYTES:
            self.flow.pause_reading()

    def _is_websocket(self) -> bool:
        """Return whether the head is a WebSocket's handshake that can be accepted now."""
        return (
            self._running is None
            and not self.table.is_spare(self)
            and self.ws_protocol_class is not None
            and is_websocket_handshake(
                self.parser.get_method(), self.parser.get_http_version(), self.headers
            )
        )

    def _should_upgrade(self) -> bool:
        """Return True: ``on_headers_complete`` has refused every other upgrade."""
        return True

    def on_body(self, body: bytes) -> None:
        """Process bytes of the body that came through the parser."""
        self._body_came = True
        if self._incoming is not None:
            self._incoming.left -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the body, if there is one, is complete."""
        self._in_body = False
        super().on_message_complete()

    def skip_body(self) -> None:
        """Start a new parser at the next request: this one did not receive the rest of the body."""
        if self.transport.is_closing():
            return
        self._incoming = None
        self._in_body = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    # -- answering

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        if self._running is None:
            self.table.serves(self)
        self._running = cast("RequestCycle", cycle)
        start = partial(super()._start_asgi_task, cycle, app)
        if cycle.scope["raw_path"] in self.vital:
            start()
        else:
            self.table.turns.begin(start)

    def on_response_complete(self) -> None:
        """Begin the next request after an answer, or wait for one."""
        self.server_state.total_requests += 1
        if self.pipeline and not self.transport.is_closing():
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._running = None
            self.table.waits(self)
            if self.transport.is_closing():
                return
            if self._refusal is not None:
                self._answer_refusal(self._refusal)
                return
            if self.half_closed:
                self.transport.close()
                return
        self.flow.resume_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """Stop parsing; answer after the earlier requests are answered, then close."""
        self._refusal = refusal
        self.flow.pause_reading()
        log.debug("connection.refused", extra={"code": refusal.code})
        if not self.head_begun and self._in_body:
            self._give_up_body()
        if self._running is None:
            self._answer_refusal(refusal)

    def _give_up_body(self) -> None:
        """End the request whose body was being parsed: its end can no longer be found."""
        if self.pipeline:
            self.pipeline.popleft()
        elif self._running is None:
            self.transport.close()  # its request is answered
        else:
            if self._running.response_started:
                self.transport.close()
            self._running.disconnect()
            self._running = None

    def _answer_refusal(self, refusal: Refusal) -> None:
        if not self.transport.is_closing():
            self.transport.write(refusal.answer(self.server_state.default_headers))
            self.close_lingering()

    # -- ending

    def time_out(self) -> None:
        """Close the connection, which waited too long; answer 408 first if a head has begun."""
        if self.head_begun and self._refusal is None:
            self._refuse(HeadTimeout())
        else:
            self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Note that the client sends nothing more.

        Returns: whether it is still answered (RFC 9112, 9.6: it may close one side only).
        """
        self.half_closed = True
        if self.scheme == "https" or self._end is not None:
            return False
        if not self.head_begun and self._in_body:
            if not self.pipeline:
                return False
            self.pipeline.popleft()
        # A client that receives an endless stream and closes one side has disconnected.
        return self._running is not None and not self._running.is_endless()

    def close_lingering(self) -> None:
        """Close the connection while an unread body is still arriving."""
        if not self.transport.is_closing():
            self._end = LingeringClose(self.transport, self.loop)
            self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection, and end the request that is being answered."""
        self.table.leave(self)
        if self._end is not None:
            self._end.over()
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnect()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the client reads less than the server writes."""
        self.table.stops_taking(self)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that all bytes that were written have been sent."""
        self.table.takes_again(self)
        super().resume_writing()

    def shutdown(self) -> None:
        """Note that the server is stopping.

        A client that has connected, or has begun a head, gets an answer: a reset before it would
        leave it without knowing whether its request was processed.
        """
        self.stopping = True
        if self._running is None and (self.head_begun or not self._heads):
            self.loop.call_later(self.stop_seconds, self._stop_waiting)
        else:
            super().shutdown()

    def _stop_waiting(self) -> None:
        if self._running is None:
            self.transport.close()
