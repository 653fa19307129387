"""Locks within one process: events on the loop, nothing polled.

Rule 1: requests are served in the order they came, so the HEAD and the PATCH of a client that comes
back both succeed, though they wait together.
Rule 2: a request asks everybody before it to let go, each at most once: the holder, and those who
still wait (what a body of theirs brought by then is taken, then it ends). Nobody is ever asked on
behalf of an older request. So a silent line is through in one round, the newest request gets the
upload last and keeps it, and two waiting requests can't throw each other out in turns.
Rule 3: being asked is a wish, not an order: a HEAD is done with its ``stat`` and is not disturbed.
Rule 4: who waits too long is told ``UploadLocked``. Whoever leaves, for whatever reason, hands the
upload to the next in line, and the line itself vanishes with its last member.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from tusd_py.domain.errors import UploadLocked
from tusd_py.domain.ids import UploadId

TIMEOUT_SECONDS: Final = 5.0
"""A holder lets go within milliseconds, unless its disk hangs; then the newcomer is told 423."""


class _Waiter:
    """One request's wish for an upload."""

    def __init__(self, let_go: Callable[[], None]) -> None:
        self._let_go = let_go
        self._asked = False
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def request_release(self) -> None:
        if not self._asked:
            self._asked = True
            self._let_go()


class LocalLock:
    """Locks by upload id on one event loop (``locks.port.Lock``)."""

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout_seconds
        self._waiters: dict[UploadId, deque[_Waiter]] = {}

    @asynccontextmanager
    async def hold(
        self, upload_id: UploadId, *, on_release_requested: Callable[[], None]
    ) -> AsyncIterator[None]:
        """See ``locks.port.Lock.hold``. The first of the line holds the upload."""
        line = self._waiters.setdefault(upload_id, deque())
        turn = _Waiter(on_release_requested)
        line.append(turn)
        try:
            if line[0] is not turn:
                await self._wait(line, turn)
            yield
        finally:
            self._leave(upload_id, line, turn)

    def request_release(self, upload_id: UploadId) -> None:
        """Ask everybody in the upload's line to let go: another process wants it."""
        for turn in tuple(self._waiters.get(upload_id, ())):
            turn.request_release()

    def close(self) -> None:
        """See ``Lock.close``."""

    async def _wait(self, line: deque[_Waiter], turn: _Waiter) -> None:
        for earlier in tuple(line):
            if earlier is turn:
                break
            # Those still waiting too: they are older than this request, and end as they begin.
            earlier.request_release()
        try:
            async with asyncio.timeout(self._timeout):
                await turn.granted
        except TimeoutError as error:
            raise UploadLocked from error

    def _leave(self, upload_id: UploadId, line: deque[_Waiter], turn: _Waiter) -> None:
        line.remove(turn)
        if not line:
            del self._waiters[upload_id]
        elif not line[0].granted.done():
            line[0].granted.set_result(None)
