"""Closes a connection whose client is still sending (a lingering close).

A close with unread bytes resets the connection. The client's kernel then discards the response that
it has received but the client has not yet read. So the server ends its side after the response, and
reads and drops further bytes for a while.
"""

import asyncio
from typing import Final

KEEP_BYTES: Final = 64 << 10
"""Largest rest of a refused body, in bytes, that is read so that the connection stays open."""
DROP_BYTES: Final = 64 << 20
"""Bytes that are read and dropped otherwise before the connection is closed."""
DROP_SECONDS: Final = 2.0
"""Seconds until it is closed; a client that has not read the response by then may lose it."""


class LingeringClose:
    """Reads and drops the last bytes of one connection, up to the limits above."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._left = DROP_BYTES
        self._timer = loop.call_later(DROP_SECONDS, transport.close)
        if transport.can_write_eof():
            transport.write_eof()

    def drop(self, count: int) -> None:
        """Count ``count`` dropped bytes; close the connection above the limit."""
        self._left -= count
        if self._left < 0:
            self._transport.close()

    def over(self) -> None:
        """Cancel the timer, because the connection is closed."""
        self._timer.cancel()
