"""Read Server-Sent Events with bounds on the memory that a server can take.

httpx-sse parses the events (decision 41). It keeps a line until its end, and an event until a blank
line, and has no limit for either; so the bytes are counted before it receives them.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Final

import httpx
from httpx_sse import EventSource, ServerSentEvent

from tusd_py.bounded_http import is_plain
from tusd_py.client.errors import Refused

MAX_LINE_BYTES: Final = 256 << 10
MAX_EVENT_BYTES: Final = 1 << 20
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_HEADERS: Final = {"Content-Type": "text/event-stream; charset=utf-8"}
"""Events are UTF-8, whatever a server's Content-Type states (HTML Standard, 9.2.5)."""


class EventLimits:
    """Counts the bytes of the line and of the event that are not complete yet."""

    def __init__(self) -> None:
        self._line = 0
        self._event = 0
        self._after_cr = False

    def check(self, piece: bytes) -> bytes:
        """Return the piece. Raises: Refused: a line or an event is too large."""
        counted = piece
        if self._after_cr and piece.startswith(b"\n"):
            counted = piece[1:]
        if piece:
            self._after_cr = piece.endswith(b"\r")
        *ended, rest = _LINE_END.split(counted)
        for line in ended:
            self._add(len(line))
            # A blank line ends the event.
            self._event = self._event + self._line + 1 if self._line else 0
            self._line = 0
        self._add(len(rest))
        return piece

    def _add(self, count: int) -> None:
        self._line += count
        if self._line > MAX_LINE_BYTES:
            raise Refused("the server's events have a line without an end")
        if self._event + self._line > MAX_EVENT_BYTES:
            raise Refused("the server's event is too large")


def read_events(response: httpx.Response) -> Iterator[ServerSentEvent]:
    """Yield the events of a response. Raises: Refused: one is too large; httpx.TransportError."""
    _check_plain(response)
    limits = EventLimits()
    pieces = (limits.check(piece) for piece in response.iter_raw())
    yield from EventSource(httpx.Response(200, headers=_HEADERS, content=pieces)).iter_sse()


async def aread_events(response: httpx.Response) -> AsyncIterator[ServerSentEvent]:
    """Yield the events of a response; as ``read_events`` does."""
    _check_plain(response)
    limits = EventLimits()
    pieces = (limits.check(piece) async for piece in response.aiter_raw())
    bounded = httpx.Response(200, headers=_HEADERS, content=pieces)
    async with aclosing(EventSource(bounded).aiter_sse()) as events:
        async for event in events:
            yield event


def _check_plain(response: httpx.Response) -> None:
    if not is_plain(response):
        raise Refused("the server compressed its events, which was not requested")
