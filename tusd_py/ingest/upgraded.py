"""Serves a connection that became a WebSocket.

All events go to the WebSocket's protocol. The table of connections is still notified when the
connection ends or its client reads nothing.
"""

import asyncio
from typing import Final

from tusd_py.ingest.connections import Connections, Guarded


class Upgraded(asyncio.Protocol):
    """Is the transport's protocol, and forwards all events to the WebSocket's protocol."""

    head_begun: Final = False

    def __init__(
        self, connections: Connections, http: Guarded, websocket: asyncio.Protocol
    ) -> None:
        self._connections = connections
        self._http = http
        self._websocket = websocket
        self.data_received = websocket.data_received  # type: ignore[method-assign]
        self.eof_received = websocket.eof_received  # type: ignore[method-assign]

    def pause_writing(self) -> None:
        """Forward that the client reads less than the server writes."""
        self._connections.stops_taking(self._http)
        self._websocket.pause_writing()

    def resume_writing(self) -> None:
        """Forward that all bytes that were written have been sent."""
        self._connections.takes_again(self._http)
        self._websocket.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forward that the connection is closed."""
        self._connections.leave(self._http)
        self._websocket.connection_lost(exc)
