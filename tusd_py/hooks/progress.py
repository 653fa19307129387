"""Notifies of bytes that arrive (``post-receive``): at most once, and no request waits for it.

Such an event is of use only while it is new. It is therefore not in the catalog, and one that can't
be delivered is dropped.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadKind

MAX_KNOWN: Final = 10_000
"""Uploads of which the time of the last event is known."""


class ProgressEvents:
    """Sends the progress of each upload at most once in an interval, and one event at a time."""

    def __init__(
        self, send: Callable[[Upload, int], Awaitable[None]], clock: Clock, *, interval: float
    ) -> None:
        """``send`` gets an upload and its offset, and raises nothing; ``interval``: in seconds."""
        self._send = send
        self._clock = clock
        self._interval = interval
        self._sent_at: OrderedDict[UploadId, float] = OrderedDict()
        self._tasks: dict[UploadId, asyncio.Task[None]] = {}

    def on_bytes(self, upload: Upload, offset: int) -> None:
        """Send an event if one is due. The first is due an interval after the first bytes."""
        if upload.kind is UploadKind.PARTIAL or upload.id in self._tasks:
            return
        now = self._clock.monotonic()
        last = self._sent_at.setdefault(upload.id, now)
        if len(self._sent_at) > MAX_KNOWN:
            self._sent_at.popitem(last=False)
        if now - last < self._interval or last == now:
            return
        self._sent_at[upload.id] = now
        task = asyncio.ensure_future(self._send(upload, offset))
        self._tasks[upload.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(upload.id, None))

    async def close(self) -> None:
        """Stop what is being sent."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
