"""Limits uvicorn's WebSocket connection to clients that only receive.

Such a client sends only pongs, and a close frame at its end. So the connection reads little and
buffers nothing:

1. Bytes and control frames of each second are counted before they are parsed; too many are refused
   (1008).
2. The first data frame is refused (1008), whether or not its message is complete (RFC 6455, 7.4.1).
3. Nothing is read before the handshake is answered: a client must wait for the answer (RFC 6455,
   4.1).
4. A refused head is answered: uvicorn does not send the answer of ``websockets`` to a head with
   more than 128 fields.

The table of ``connections`` disconnects a client that reads nothing.
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
    """Speaks WebSocket to one client that only receives."""

    _window_from = 0.0
    _bytes = 0
    _frames = 0
    _refused = False
    _dropped = 0
    _early = b""
    """Bytes that came with the head."""

    # -- receiving

    def data_received(self, data: bytes) -> None:
        """Process bytes from the client."""
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
        """Pass the handshake to the application, and read nothing until it is answered."""
        super().handle_connect(event)
        if not self.transport.is_closing():
            self.transport.pause_reading()

    async def send(self, message: "ASGISendEvent") -> None:
        """Send a message of the application."""
        await super().send(message)
        # Otherwise uvicorn logs an error for each handshake that is answered by a refusal.
        self.handshake_complete = self.handshake_complete or self.close_sent

    def start_keepalive(self) -> None:
        """Continue reading, because the handshake was accepted."""
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
        if self._count_frame():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Process a pong, unless there are too many."""
        if self._count_frame():
            super().handle_pong(event)

    def _count_frame(self) -> bool:
        """Count a control frame; refuse it and return False if there are too many."""
        self._frames += 1
        if self._frames > FRAMES_PER_SECOND:
            self._refuse()
        return not self._refused

    # -- ending

    def _refuse(self) -> None:
        """Close because of what the client sent (1008).

        Frames after the application's own close are ignored until the connection ends.
        """
        if self._refused:
            return
        if not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "this stream takes no messages")
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Send the close frame of a refusal.

        Bytes that still arrive are read and dropped for a short time: after a close with unread
        bytes the client may not receive the frame (``lingering_close``).
        """
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
        # While this timer is set, uvicorn does not close when the application returns.
        self.close_timer = self.loop.call_later(DROP_SECONDS, self.transport.close)
