"""Extends uvicorn's handling of one request and its answer."""

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from tusd_py.ingest.lingering_close import KEEP_BYTES
from tusd_py.ingest.scope_extensions import INTERIM
from tusd_py.ingest.socket_body import SocketHandoff

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent


class _Connection(Protocol):
    half_closed: bool

    def close_lingering(self) -> None:
        """Close the connection while an unread body is still arriving."""
        ...


class RequestCycle(RequestResponseCycle):
    """Handles one request and its answer."""

    connection: _Connection
    incoming: SocketHandoff | None

    def send_continue(self) -> None:
        """Send 100 Continue to a client that waits for it."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False

    def disconnect(self) -> None:
        """Note that the client has disconnected."""
        if not self.response_complete:
            self.disconnected = True
        self.message_event.set()

    def is_endless(self) -> bool:
        """Return whether the answer has begun and has no length."""
        return self.response_started and bool(self.chunked_encoding)

    async def receive(self) -> "ASGIReceiveEvent":
        """Return the next bytes; a disconnect is returned after the bytes that came before it."""
        if self.disconnected and self.body and not self.response_complete:
            body, self.body = bytes(self.body), bytearray()
            # If the body was complete before the disconnect, it remains complete.
            return {"type": "http.request", "body": body, "more_body": self.more_body}
        message = await super().receive()
        if message["type"] == "http.disconnect" and self.body and not self.response_complete:
            return await self.receive()
        return message

    async def send(self, message: "ASGISendEvent") -> None:
        """Send a piece of the answer."""
        kind = cast("str", message["type"])
        if kind == INTERIM:
            self._send_interim(cast("MutableMapping[str, Any]", message))
            return
        if kind == "http.response.start" and self._unread():
            self.keep_alive = False
        ends = kind == "http.response.body" and not message.get("more_body", False)
        if not (ends and self.more_body and not self.keep_alive and not self.disconnected):
            await super().send(message)
            if not ends:
                await self._sent()
            return
        # After an immediate close, a client that is still sending would not receive the answer.
        self.keep_alive = True
        await super().send(message)
        self.keep_alive = False
        self.connection.close_lingering()

    async def _sent(self) -> None:
        """Wait until the client reads, before the application produces the next piece."""
        if self.connection.half_closed and self.is_endless():
            self.transport.close()
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()

    def _unread(self) -> bool:
        """Return whether the rest of the body is too long to be read to keep the connection."""
        if not self.more_body:
            return False
        # A client that waits for 100 Continue may send the body or the next request.
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
