"""Represents a body of known length, whose socket uvicorn's connection can hand over to threads."""

import asyncio
import socket
from typing import Protocol

from tusd_py.ingest.flow_control import ConnectionFlow
from tusd_py.ingest.request_cycle import RequestCycle
from tusd_py.ingest.socket_body import SocketReader


class _Connection(Protocol):
    flow: ConnectionFlow
    transport: asyncio.Transport
    stopping: bool

    def skip_body(self) -> None:
        """Continue with the request after the body, which did not all pass through the parser."""
        ...


class IncomingBody:
    """Implements ``socket_body.SocketHandoff`` for a body of known length that is arriving."""

    cycle: RequestCycle

    def __init__(self, connection: _Connection, length: int) -> None:
        self._connection = connection
        self._keeps_alive = False
        self.length = length
        self.left = length
        """Number of bytes that the parser has not received."""

    def hand_off(self) -> tuple[bytes | bytearray, SocketReader | None]:
        """Hand over the socket; see ``SocketHandoff.hand_off``."""
        connection, cycle = self._connection, self.cycle
        cycle.send_continue()
        early, cycle.body = cycle.body, bytearray()
        if not self.left:
            return early, None
        connection.flow.pause_reading()
        # A receive() elsewhere (in a middleware) must not resume reading while threads read.
        connection.flow.read_paused = False
        # No keep-alive until the whole body is read, so that the next byte begins a request.
        self._keeps_alive, cycle.keep_alive = cycle.keep_alive, False
        own = connection.transport.get_extra_info("socket")
        return early, SocketReader(socket.socket(fileno=_duplicate(own)), self.left)

    def return_socket(self, reader: SocketReader) -> None:
        """Take the socket back; see ``SocketHandoff.return_socket``."""
        self.left = reader.left
        self._connection.flow.read_paused = True
        if not self.left:
            self.cycle.keep_alive = self._keeps_alive and not self._connection.stopping
            self._connection.skip_body()
            self.cycle.more_body = False
            self.cycle.message_event.set()


def _duplicate(connection: socket.socket) -> int:
    return connection.dup().detach()
