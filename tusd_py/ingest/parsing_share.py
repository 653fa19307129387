"""Limits how long the loop parses chunked bodies before it polls its sockets again.

A chunk of one byte costs as much as one of 64 KiB, so that a read of 256 KiB of such chunks is
20 ms of work, and a loop reads from all its connections in one iteration. What exceeds the share of
one iteration waits for a later one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

SHARE_SECONDS: Final = 0.003
"""Share of one iteration of the loop, for all connections together.

uvloop accepts one connection in an iteration: with 10 ms the last of 60 that arrive together waited
0.9 s, with 3 ms 0.2 s. A stream of 64 KiB chunks is as fast with either.
"""


class ParsingShare:
    """Counts the time that one loop spends on chunked bodies, and queues connections that wait."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        seconds: float = SHARE_SECONDS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._clock = clock
        self._left = seconds
        self._turn_ends = False
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def is_spent(self) -> bool:
        """Return whether nothing more may be parsed in this iteration."""
        return self._left < 0

    @property
    def is_waited_for(self) -> bool:
        """Return whether other connections wait for a share."""
        return bool(self._waiting)

    def spend(self, work: Callable[[], None]) -> None:
        """Call ``work`` and subtract its time from the share."""
        begun_at = self._clock()
        try:
            work()
        finally:
            self._left -= self._clock() - begun_at
            self._see_turn_end()

    def wait(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` in a later iteration, after those that wait already."""
        self._waiting.append(resume)
        self._see_turn_end()

    def _see_turn_end(self) -> None:
        if not self._turn_ends:
            self._turn_ends = True
            self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._left = self._seconds
        self._turn_ends = False
        for _ in range(len(self._waiting)):
            self._waiting.popleft()()
            if self.is_spent:
                break
        if self._waiting:
            self._see_turn_end()
