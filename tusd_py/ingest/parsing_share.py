"""How long the loop parses chunked bodies before it looks at its sockets again.

A chunk of one byte costs as much as one of 64 KiB, so that a read of 256 KiB of them is 20 ms of work, and a
loop reads from all its connections in one turn. What is beyond the share of a turn waits for a later one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

SHARE_SECONDS: Final = 0.003
"""Of one turn of the loop, over all connections. uvloop accepts one connection in a turn: with 10 ms the
last of 60 that come together waited 0.9 s, with 3 ms 0.2 s; a stream of 64 KiB chunks is as fast."""


class ParsingShare:
    """The time that one loop spends on chunked bodies, and the connections that wait for a share."""

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
        """Whether nothing more may be parsed in this turn."""
        return self._left < 0

    @property
    def is_waited_for(self) -> bool:
        """Whether others wait for a share."""
        return bool(self._waiting)

    def spend(self, work: Callable[[], None]) -> None:
        """Call ``work`` and take its time from the share."""
        begun_at = self._clock()
        try:
            work()
        finally:
            self._left -= self._clock() - begun_at
            self._see_turn_end()

    def wait(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` in a later turn, behind those that wait already."""
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
