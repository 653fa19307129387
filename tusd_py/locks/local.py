"""Locks uploads within one process, by events on the loop and without polling.

Rule 1: requests are served in the order in which they came, so the HEAD and the PATCH of a client
that comes back both succeed, though they wait together.
Rule 2: a request makes all requests before it release the upload, each at most once: the holder,
and those that still wait (bytes of a body that arrived by then are stored, then the request ends).
No release is requested for an older request. So a line of silent requests ends in one round, the
newest request gets the upload last and keeps it, and two waiting requests cannot replace each other
in turns.
Rule 3: a holder need not follow the request to release: a HEAD ends with its ``stat`` and ignores
it.
Rule 4: a request that waits too long gets ``UploadLocked``. A request that leaves, for any reason,
passes the upload to the next in line, and the line itself ends with its last request.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final

from typing_extensions import override

from tusd_py.domain.errors import UploadLocked
from tusd_py.domain.ids import UploadId
from tusd_py.locks.port import Lock

TIMEOUT_SECONDS: Final = 5.0
"""A holder releases within milliseconds, unless its disk hangs; then the new request gets 423."""


class _Waiter(AbstractAsyncContextManager[None]):
    """Is one request in the line of an upload; the first of the line holds the upload."""

    def __init__(
        self,
        lines: "dict[UploadId, deque[_Waiter]]",
        upload_id: UploadId,
        release: Callable[[], None],
        timeout_seconds: float,
    ) -> None:
        self._waiters = lines
        self._upload_id = upload_id
        self._release = release
        self._timeout = timeout_seconds
        self._requested = False
        self._granted: asyncio.Future[None] | None = None
        """Set while the request waits."""

    def request_release(self) -> None:
        if not self._requested:
            self._requested = True
            self._release()

    @override
    async def __aenter__(self) -> None:
        line = self._waiters.setdefault(self._upload_id, deque())
        line.append(self)
        if line[0] is self:
            return
        try:
            await self._wait(line)
        except BaseException:
            self._leave()
            raise

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    async def _wait(self, line: "deque[_Waiter]") -> None:
        self._granted = asyncio.get_running_loop().create_future()
        for earlier in tuple(line):
            if earlier is self:
                break
            # This includes those that still wait: they are older than this request, and end at
            # once.
            earlier.request_release()
        try:
            async with asyncio.timeout(self._timeout):
                await self._granted
        except TimeoutError as error:
            raise UploadLocked from error

    def _leave(self) -> None:
        line = self._waiters[self._upload_id]
        line.remove(self)
        if not line:
            del self._waiters[self._upload_id]
            return
        granted = line[0]._granted
        if granted is not None and not granted.done():
            granted.set_result(None)


class LocalLock(Lock):
    """Locks by upload id on one event loop (``locks.port.Lock``)."""

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout_seconds
        self._waiters: dict[UploadId, deque[_Waiter]] = {}

    @override
    def hold(
        self, upload_id: UploadId, *, on_release_requested: Callable[[], None]
    ) -> AbstractAsyncContextManager[None]:
        return _Waiter(self._waiters, upload_id, on_release_requested, self._timeout)

    def request_release(self, upload_id: UploadId) -> None:
        """Make all requests in the upload's line release it: another process wants it."""
        for turn in tuple(self._waiters.get(upload_id, ())):
            turn.request_release()

    @override
    def close(self) -> None:
        pass
