"""Closing a connection whose client is still sending.

A close with unread bytes resets the connection, and the client's kernel then throws the answer away
that it had received but not yet read. So the answer is followed by the end of our side, and what
still comes is read and dropped for a while.
"""

import asyncio
from typing import Final

KEEP_BYTES: Final = 64 << 10
"""A refused body's rest of at most so many bytes is read, and the connection goes on."""
DROP_BYTES: Final = 64 << 20
"""Bounds of what is read and dropped otherwise: bytes, and ..."""
DROP_SECONDS: Final = 2.0
"""... time. Who has not read the answer by then may miss it."""


class SlowEnd:
    """The last moments of one connection."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._left = DROP_BYTES
        self._timer = loop.call_later(DROP_SECONDS, transport.close)
        if transport.can_write_eof():
            transport.write_eof()

    def drop(self, count: int) -> None:
        """So many bytes came."""
        self._left -= count
        if self._left < 0:
            self._transport.close()

    def over(self) -> None:
        """The connection is gone."""
        self._timer.cancel()
