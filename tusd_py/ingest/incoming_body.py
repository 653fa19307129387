"""Hands the socket of a connection over to the thread that reads a request's body."""

import asyncio
import socket
from abc import ABC, abstractmethod
from typing import Final, Protocol

from tusd_py.ingest.framing import ChunkFraming, Framing, LengthFraming
from tusd_py.ingest.socket_reader import PlainSocket, SocketReader
from tusd_py.ingest.tls import LendableTls, TlsSocket
from tusd_py.ingest.uvicorn_request import ConnectionFlow, RequestCycle


class Lender(Protocol):
    """Is the connection of a body, with what this module needs of it."""

    flow: ConnectionFlow
    transport: asyncio.Transport
    stopping: bool

    def skip_body(self) -> None:
        """Continue with the request after the body, which did not all pass through the parser."""
        ...

    def unparsed_body(self) -> bytes | None:
        """Return what was received behind the head and not parsed; it never will be.

        None: it is parsed.
        """
        ...

    def continue_parsing(self, data: bytes) -> None:
        """Continue with these bytes, and with what is received behind them."""
        ...


class IncomingBody(ABC):
    """Implements ``socket_body.SocketHandoff`` for a body that is arriving."""

    cycle: RequestCycle
    """Request of the body: a weak proxy, for the application that reads the body keeps it alive."""

    def __init__(self, connection: Lender) -> None:
        self._connection = connection
        self._keeps_alive = False

    @abstractmethod
    def return_socket(self, reader: SocketReader) -> None:
        """Take the socket back; see ``SocketHandoff.return_socket``."""

    async def _lend(self) -> bool:
        """Let no one but a thread read; return False if the connection is closing."""
        self.cycle.send_continue()
        transport = self._connection.transport
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, LendableTls):
            await tls.lend(transport)
        if transport.is_closing():
            return False
        # No keep-alive until the next byte begins a request.
        self._keeps_alive, self.cycle.keep_alive = self.cycle.keep_alive, False
        return True

    def _reader(self, framing: Framing, early: bytes | bytearray) -> SocketReader:
        transport = self._connection.transport
        own = socket.socket(fileno=transport.get_extra_info("socket").dup().detach())
        tls = transport.get_extra_info("ssl_object")
        incoming = TlsSocket(own, tls) if isinstance(tls, LendableTls) else PlainSocket(own)
        return SocketReader(own, incoming, framing, early=early)

    def _take_back(self, *, keeps_alive: bool) -> None:
        transport = self._connection.transport
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, LendableTls):
            tls.take_back(transport)
        if keeps_alive:
            self.cycle.keep_alive = self._keeps_alive and not self._connection.stopping


class IncomingLength(IncomingBody):
    """Is a body of known length."""

    def __init__(self, connection: Lender, length: int) -> None:
        super().__init__(connection)
        self.length: Final = length
        self.left = length
        """Number of bytes that the parser has not received."""

    def whole(self) -> bytes | bytearray | None:
        """Return the body if the parser has received all of it."""
        if self.left:
            return None
        self.cycle.send_continue()
        body, self.cycle.body = self.cycle.body, bytearray()
        return body

    async def hand_off(self) -> SocketReader | None:
        """Hand over the socket; see ``SocketHandoff.hand_off``."""
        if not self.left:
            return None
        flow = self._connection.flow
        flow.pause_reading()
        # A receive() elsewhere (in a middleware) must not resume reading while threads read.
        flow.read_paused = False
        if not await self._lend():
            return None
        early, self.cycle.body = self.cycle.body, bytearray()
        return self._reader(LengthFraming(len(early) + self.left), early)

    def return_socket(self, reader: SocketReader) -> None:
        """Take the socket back; see ``SocketHandoff.return_socket``."""
        is_whole = reader.framing.is_over
        self.left = 0 if is_whole else reader.framing.least
        self._connection.flow.read_paused = True
        self._take_back(keeps_alive=is_whole)
        if is_whole:
            self._connection.skip_body()
            self.cycle.more_body = False
            self.cycle.message_event.set()


class IncomingChunks(IncomingBody):
    """Is a chunked body, of which nothing is parsed until it is known who reads it."""

    length: Final = None
    is_lent = False

    def whole(self) -> None:
        """Return None: whether the body has arrived is not known."""

    async def hand_off(self) -> SocketReader | None:
        """Hand over the socket; see ``SocketHandoff.hand_off``."""
        early = self._connection.unparsed_body()
        if early is None:
            return None
        self.is_lent = True
        if not await self._lend():
            self._connection.continue_parsing(early)
            return None
        return self._reader(ChunkFraming(), early)

    def return_socket(self, reader: SocketReader) -> None:
        """Take the socket back; see ``SocketHandoff.return_socket``."""
        self._take_back(keeps_alive=reader.framing.is_over)
        if reader.framing.is_over:
            self._connection.continue_parsing(reader.framing.rest)
        else:
            self._connection.flow.stay_paused()
