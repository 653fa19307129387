"""Receives a body through ASGI: on every server, with or without TLS, chunked or not.

One task moves messages from the server into a list; the list goes to a thread when a slice is
full, so that a body costs one thread hop per MiB, not per chunk, and no byte is copied.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from tusd_py.domain.errors import BodyTimeout
from tusd_py.threads import Threads
from tusd_py.uploads.body import BodyWatchdog, CancelToken, DrainEnd, DrainResult, Sink, Throttle

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

SLICE_BYTES: Final = 1 << 20
"""Bytes that one call passes to a thread.

A larger slice leaves the CPU's cache before it is hashed (4 MiB: twice the CPU time); a smaller one
needs more thread hops.
"""
BACKLOG_BYTES: Final = 4 << 20
"""Bytes that are received and not yet written, above which the server stops reading."""
FLUSH_SECONDS: Final = 0.5
"""Longest time until a slow client's bytes are written to the file."""
LINGER_SECONDS: Final = 0.005
"""After a cancellation, bytes are still received until none arrive for this time ..."""
LINGER_ROUNDS: Final = 8
"""... which is checked this number of times at most: the newer request waits less than 100 ms."""


class AsgiBody:
    """Implements ``uploads.body.Body`` for one request."""

    def __init__(self, receive: Receive, threads: Threads) -> None:
        self._receive = receive
        self._threads = threads

    def whole(self) -> None:
        """Return None: whether the body has arrived is not known before it is received."""

    async def drain(
        self,
        sink: Sink,
        *,
        limit: int | None,
        idle_timeout: float,
        min_rate: float,
        cancel: CancelToken,
        on_progress: Callable[[int], None] | None = None,
        throttle: Throttle | None = None,
    ) -> DrainResult:
        """Receive the body; see ``uploads.body.Body.drain``."""
        intake = _MessageBuffer(self._receive, limit, idle_timeout, min_rate)
        cancel.on_cancel(intake.wake)
        intake.start()
        taken = 0
        try:
            while True:
                await intake.ready()
                if cancel.cancelled and intake.end is None:
                    await intake.drain_briefly()
                end = intake.end or (DrainEnd.CANCELLED if cancel.cancelled else None)
                if intake.pending:
                    chunks, size = intake.take_all()
                    await self._threads.body(sink, chunks)
                    taken += size
                    if on_progress is not None:
                        on_progress(taken)
                    if throttle is not None:
                        await intake.pause(await throttle.consume(size), cancel)
                if end is not None and not intake.pending:
                    return DrainResult(taken, end)
        finally:
            await intake.stop()


class _MessageBuffer:
    """Collects messages from the server until ``drain`` takes them."""

    def __init__(
        self, receive: Receive, limit: int | None, idle_timeout: float, min_rate: float
    ) -> None:
        self._receive = receive
        self._left = limit
        self._loop = asyncio.get_running_loop()
        self._watchdog = BodyWatchdog(
            idle_timeout=idle_timeout, min_rate=min_rate, now=self._loop.time()
        )
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.pending: list[bytes | memoryview] = []
        self.end: DrainEnd | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._pump())
        self._tick()

    def wake(self) -> None:
        self._wake.set()

    async def ready(self) -> None:
        """Wait until there is a slice to write, the body has ended, or ``wake`` is called."""
        await self._wake.wait()
        self._wake.clear()

    def take_all(self) -> tuple[list[bytes | memoryview], int]:
        chunks, size = self.pending, self._size
        self.pending, self._size = [], 0
        self._room.set()
        return chunks, size

    async def pause(self, seconds: float, cancel: CancelToken) -> None:
        """Wait for a number of seconds, unless the body is cancelled or has ended."""
        if seconds > 0 and self.end is None:
            begun_at = self._loop.time()
            await cancel.wait(seconds)
            now = self._loop.time()
            self._watchdog.on_pause(now - begun_at, now)

    async def drain_briefly(self) -> None:
        """Wait for a pause in what arrives."""
        for _ in range(LINGER_ROUNDS):
            before = self._watchdog.last_bytes_at
            await asyncio.sleep(LINGER_SECONDS)
            if self.end is not None or self._watchdog.last_bytes_at == before:
                return

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _tick(self) -> None:
        """Check every ``FLUSH_SECONDS`` whether bytes wait, or the client sends none."""
        now = self._loop.time()
        # With a full backlog the disk is slow, not the client.
        if self.end is None and self._size < BACKLOG_BYTES and self._watchdog.expired(now):
            self.end = DrainEnd.TIMED_OUT
        if self.pending or self.end is not None:
            self._wake.set()
        pause = min(FLUSH_SECONDS, max(self._watchdog.next_check(now), 0.01))
        self._timer = self._loop.call_later(pause, self._tick)

    async def _pump(self) -> None:
        try:
            while self.end is None:
                self._on_bytes(await self._receive())
                if self._size >= BACKLOG_BYTES:
                    self._room.clear()
                    await self._room.wait()
        except BodyTimeout:
            self.end = DrainEnd.TIMED_OUT
        except Exception:  # noqa: BLE001  (whatever the server raises, the client is disconnected)
            self.end = DrainEnd.DISCONNECTED
        finally:
            self._wake.set()

    def _on_bytes(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.disconnect":
            self.end = self.end or DrainEnd.DISCONNECTED
            return
        body: bytes | memoryview = message.get("body", b"")
        if body:
            self._watchdog.on_bytes(len(body), self._loop.time())
        if self._left is not None:
            if len(body) > self._left:
                body, self.end = memoryview(body)[: self._left], DrainEnd.TOO_LONG
            self._left -= len(body)
        if body:
            self.pending.append(body)
            self._size += len(body)
        if self.end is None and not message.get("more_body", False):
            self.end = DrainEnd.COMPLETE
        if self._size >= SLICE_BYTES:
            self._wake.set()
