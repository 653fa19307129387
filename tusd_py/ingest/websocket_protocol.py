"""uvicorn's WebSocket connection for clients that only listen.

A listener sends pongs, and a close frame at its end. So the connection reads little and holds nothing:

1. Bytes and control frames of a second are counted before they are parsed; a flood is refused (1008).
2. The first data frame is refused (1008), whether or not its message is ever completed (RFC 6455, 7.4.1).
3. Nothing is read before the handshake is answered: a client must wait for the answer (RFC 6455, 4.1).
4. A refused head is answered: uvicorn leaves the answer of ``websockets`` unsent (more than 128 fields).

The table of ``connections`` ends a client that reads nothing.
"""

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from tusd_py.ingest.lingering_close import DROP_BYTES, DROP_SECONDS

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

BYTES_PER_SECOND: Final = 1024
"""Most bytes of one second: a pong is 10 bytes, and the largest control frame is 131."""
FRAMES_PER_SECOND: Final = 20
"""Most control frames of one second; clients and proxies send one every few seconds."""
_WINDOW_SECONDS: Final = 1.0


class ListenerProtocol(WebSocketsSansIOProtocol):
    """Speaks WebSocket to one client that only listens."""

    _window_from = 0.0
    _bytes = 0
    _frames = 0
    _refused = False
    _dropped = 0
    _early = b""
    """Bytes that came with the head."""

    # -- receiving

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._refused:
            self._dropped += len(data)
            if self._dropped > DROP_BYTES:
                self.transport.close()
            return
        if self.handshake_initiated and not self.handshake_complete:
            self._early += data
            return
        now = self.loop.time()
        if now - self._window_from >= _WINDOW_SECONDS:
            self._window_from, self._bytes, self._frames = now, 0, 0
        if self.handshake_initiated:
            self._bytes += len(data)
            if self._bytes > BYTES_PER_SECOND:
                self._refuse()
                return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Pass the handshake on to the application, and read on once it is answered."""
        super().handle_connect(event)
        if not self.transport.is_closing():
            self.transport.pause_reading()

    async def send(self, message: "ASGISendEvent") -> None:
        """Send a message of the application."""
        await super().send(message)
        # uvicorn logs an error for each handshake that was refused by an answer: it takes that for none.
        self.handshake_complete = self.handshake_complete or self.close_sent

    def start_keepalive(self) -> None:
        """Read on: the handshake was accepted."""
        self.transport.resume_reading()
        super().start_keepalive()
        if self._early:
            self.data_received(self._early)
            self._early = b""

    def handle_text(self, event: Frame) -> None:  # noqa: ARG002
        """Refuse a message."""
        self._refuse()

    handle_bytes = handle_cont = handle_text

    def handle_ping(self) -> None:
        """Answer a ping, unless there are too many."""
        if self._may_come():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Take a pong, unless there are too many."""
        if self._may_come():
            super().handle_pong(event)

    def _may_come(self) -> bool:
        """Count a control frame; return False when there are too many, which is refused."""
        self._frames += 1
        if self._frames > FRAMES_PER_SECOND:
            self._refuse()
        return not self._refused

    # -- ending

    def _refuse(self) -> None:
        """Close for what the client sent (1008). Frames after the application's own close are ignored
        until the connection ends."""
        if self._refused:
            return
        if not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "this stream takes no messages")
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Send the close frame of a refusal. What still comes is read and dropped for a moment: a close
        with unread bytes would take the frame back (``slow_end``)."""
        self._refused = True
        self.stop_keepalive()
        sent = self.conn.close_sent
        code, reason = (1006, "") if sent is None else (sent.code, sent.reason)
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.close_sent = True
        if self.close_timer is not None:
            self.close_timer.cancel()
        # Set, it keeps uvicorn from closing at once when the application returns.
        self.close_timer = self.loop.call_later(DROP_SECONDS, self.transport.close)
