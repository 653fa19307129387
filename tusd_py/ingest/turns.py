"""Begins requests a few at a time, so that a burst of requests does not delay those in progress.

A loop runs everything that is ready before it polls its sockets again. Without a bound, 1,500
requests that arrive together make one iteration of a second, in which no upload continues and no
health check is read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

STARTS: Final = 16
"""Requests that begin in one iteration of the loop: some milliseconds of work."""


class Turns:
    """Starts the requests of one loop in the order in which they arrived."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._started = 0

    def begin(self, start: Callable[[], None]) -> None:
        """Call ``start`` now, or in a later iteration if this one has begun ``STARTS``."""
        if not self._started and not self._waiting:
            self._loop.call_soon(self._next_turn)
        if self._started < STARTS:
            self._started += 1
            start()
        else:
            self._waiting.append(start)

    def _next_turn(self) -> None:
        self._started = min(STARTS, len(self._waiting))
        for _ in range(self._started):
            self._waiting.popleft()()
        if self._started:
            self._loop.call_soon(self._next_turn)
