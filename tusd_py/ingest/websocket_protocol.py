"""uvicorn's WebSocket connection for clients that only listen.

A listener sends pongs, and a close frame at its end. So the connection reads little and holds nothing:

1. Bytes and control frames of a second are counted before they are parsed; a flood is refused (1008).
2. The first data frame is refused (1008), whether or not its message is ever completed (RFC 6455, 7.4.1).
3. Nothing is read before the handshake is answered: a client must wait for the answer (RFC 6455, 4.1).
4. A refused head is answered: uvicorn leaves the answer of ``websockets`` unsent (more than 128 fields).
5. A client that does not read is dropped after ``STALLED_SECONDS``: ``close`` alone waits for its reading.
"""

import asyncio
from asyncio.transports import BaseTransport
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from tusd_py.ingest.slow_end import DROP_SECONDS

BYTES_PER_SECOND: Final = 1024
"""Most bytes of one second: a pong is 10 bytes, and the largest control frame is 131."""
FRAMES_PER_SECOND: Final = 20
"""Most control frames of one second; clients and proxies send one every few seconds."""
STALLED_SECONDS: Final = 30.0
"""Longest time in which nothing that was sent leaves this process."""
_WINDOW_SECONDS: Final = 1.0


class ListenerProtocol(WebSocketsSansIOProtocol):
    """Speaks WebSocket to one client that has nothing to say."""

    _window_from = 0.0
    _bytes = 0
    _frames = 0
    _refused = False
    _stalled: asyncio.TimerHandle | None = None

    # -- receiving

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._refused:
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

    def start_keepalive(self) -> None:
        """Read on: the handshake was accepted."""
        self.transport.resume_reading()
        super().start_keepalive()

    def handle_text(self, event: Frame) -> None:  # noqa: ARG002
        """Refuse a message."""
        self._refuse()

    handle_bytes = handle_cont = handle_text

    def handle_ping(self) -> None:
        """Answer a ping, unless there are too many."""
        self._count_frame()
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Take a pong, unless there are too many."""
        self._count_frame()
        super().handle_pong(event)

    def _count_frame(self) -> None:
        self._frames += 1
        if self._frames > FRAMES_PER_SECOND:
            self._refuse()

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

    # -- sending

    def connection_made(self, transport: BaseTransport) -> None:
        """Watch whether what is sent leaves this process."""
        super().connection_made(transport)
        # At the first byte that the kernel does not take; else 64 KiB could lie here for ever.
        self.transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        """Something was not taken by the kernel."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Everything was taken."""
        super().resume_writing()
        self._stop_stalled()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_stalled()
        super().connection_lost(exc)

    def _stop_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
