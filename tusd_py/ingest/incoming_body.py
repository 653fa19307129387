"""A body of known length that a connection of uvicorn's lends to threads."""

import asyncio
import socket
from typing import Protocol

from tusd_py.ingest.flow_control import ConnectionFlow
from tusd_py.ingest.request_cycle import RequestCycle
from tusd_py.ingest.socket_reader import SocketReader


class _Connection(Protocol):
    flow: ConnectionFlow
    transport: asyncio.Transport
    stopping: bool

    def skip_body(self) -> None:
        """Continue with the request behind the body, of which the parser has not seen all."""
        ...


class IncomingBody:
    """A body of known length on its way in (``lent_body.SocketHandoff``)."""

    cycle: RequestCycle

    def __init__(self, connection: _Connection, length: int) -> None:
        self._connection = connection
        self._keeps_alive = False
        self.length = length
        self.left = length
        """Bytes that the parser has not seen."""

    def hand_off(self) -> tuple[bytes | bytearray, SocketReader | None]:
        """See ``SocketHandoff.lend``."""
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
        return early, SocketReader(socket.socket(fileno=_duplicate(own)), self.left)

    def return_socket(self, wire: SocketReader) -> None:
        """See ``SocketHandoff.return_socket``."""
        self.left = wire.left
        self._connection.flow.read_paused = True
        if not self.left:
            self.cycle.keep_alive = self._keeps_alive and not self._connection.stopping
            self._connection.skip_body()
            self.cycle.more_body = False
            self.cycle.message_event.set()


def _duplicate(connection: socket.socket) -> int:
    return connection.dup().detach()
