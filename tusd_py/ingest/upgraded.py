"""A connection that became a WebSocket: everything goes to its protocol, and the table of
connections is still informed when it ends or its client reads nothing."""

import asyncio
from typing import Final

from tusd_py.ingest.connections import Connections, Guarded


class Upgraded(asyncio.Protocol):
    """The transport's protocol in the place of a WebSocket's, which it forwards to."""

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
        """Pass on that the client reads less than what is written."""
        self._connections.stops_taking(self._http)
        self._websocket.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that what was written has been sent."""
        self._connections.takes_again(self._http)
        self._websocket.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the connection is closed."""
        self._connections.leave(self._http)
        self._websocket.connection_lost(exc)
