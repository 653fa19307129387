"""Receives a body of known length in threads, directly from its socket.

The event loop moves none of its bytes: it hands the socket over, waits for bytes so that no thread
has to, and takes the socket back at the next request's first byte. Measured against ``AsgiBody``
with hashing: less than half the CPU seconds per GiB.

Rule 1: no thread waits longer than ``LINGER_SECONDS``: a silent client occupies none.
Rule 2: no byte beyond the body is read: the next request may follow at once.
Rule 3: the socket stays non-blocking (the flag belongs to the connection, not to a descriptor).
Its low-water mark is set while the reader has the socket. The mark is never more than the rest of
the body, since the socket would otherwise not become readable at the end of the body.
"""

import array
import asyncio
import fcntl
import mmap
import select
import socket
import termios
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tusd_py.ingest.asgi_body import AsgiBody, Receive
from tusd_py.ingest.scope_extensions import SOCKET_HANDOFF
from tusd_py.threads import Threads
from tusd_py.uploads.body import (
    Body,
    BodyWatchdog,
    CancelToken,
    DrainEnd,
    DrainResult,
    Sink,
    Throttle,
)

BUFFER_BYTES: Final = 2 << 20
"""Bytes that are received and hashed at once; they are written in smaller pieces, see
``storage.disk_writer``.

512 KiB cost 1.28 CPU seconds per GiB, 1 MiB 1.04, 2 MiB 0.91, 4 and 8 MiB the same (medians, hash
included).
"""
LOW_WATER_BYTES: Final = 256 << 10
"""Number of bytes from which on the socket is readable.

At 60 MiB/s: 0.96 CPU seconds per GiB with it, 1.44 without.
"""
SLICE_BYTES: Final = 16 << 20
"""A thread returns after this number of bytes, so that streams share the threads fairly ..."""
SLICE_SECONDS: Final = 0.1
"""... or after this time."""
LINGER_SECONDS: Final = 0.02
"""A thread waits this long for more bytes of a fast stream (limited rate: 2.64 CPU seconds per GiB
without)."""
LAST_ROUND_SECONDS: Final = 0.005
"""After a cancellation, bytes are still received until none arrive for this time ..."""
LAST_SECONDS: Final = 0.04
"""... and for this time at most: the newer request waits less than 100 ms."""
FLUSH_SECONDS: Final = 0.5
"""Longest time until a slow client's bytes are written to the file, even if they are few."""


def body_of(scope: MutableMapping[str, Any], receive: Receive, threads: Threads) -> Body:
    """Return the body of the request with this scope.

    It is read from the socket if this package's connection class serves the request and the body's
    length is known, otherwise through ASGI (TLS in process, chunked, other servers).
    """
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    if SOCKET_HANDOFF in extensions:
        return SocketBody(extensions[SOCKET_HANDOFF]["lender"], threads)
    return AsgiBody(receive, threads)


# -- in a thread

_scratch = threading.local()


def _buffer() -> memoryview:
    """Return the thread's buffer; it is reused, since a new one would cause page faults."""
    try:
        kept: memoryview = _scratch.buffer
    except AttributeError:
        kept = _scratch.buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))
    return kept


@dataclass(frozen=True, slots=True)
class ReadResult:
    """Holds the result of a slice.

    ``count`` bytes were read; ``end`` is how the body ended, None if it has not; ``would_block``:
    no more bytes are there now.
    """

    count: int
    end: DrainEnd | None = None
    would_block: bool = False


class SocketReader:
    """Reads the rest of one body; ``left`` is in bytes. Only one thread at a time may use it.

    ``connection`` is a duplicate descriptor: the server may close its own descriptor meanwhile.
    """

    def __init__(self, connection: socket.socket, left: int) -> None:
        self._socket = connection
        self._low_water = 1
        self.left = left

    def read_slice(self, sink: Sink, cancel: CancelToken, most: int = SLICE_BYTES) -> ReadResult:
        """Pass at most ``most`` available bytes to the sink. Raises: what the sink raises."""
        buffer, before = _buffer(), self.left
        least = max(0, before - most)
        until = time.monotonic() + SLICE_SECONDS
        while self.left > least:
            if cancel.cancelled:
                end = self._read_last(sink, buffer)
                return ReadResult(before - self.left, end)
            count = self._receive(buffer[: self.left - least])
            if count is None:
                if not self._worth_waiting(before - self.left, until):
                    return ReadResult(before - self.left, would_block=True)
                continue
            if not count:
                return ReadResult(before - self.left, DrainEnd.DISCONNECTED)
            sink((buffer[:count],))
            self.left -= count
        return ReadResult(before - self.left, None if self.left else DrainEnd.COMPLETE)

    def _worth_waiting(self, moved: int, until: float) -> bool:
        """Wait for more bytes of a fast client and return whether they came.

        The loop waits for slow clients.
        """
        if moved < LOW_WATER_BYTES or time.monotonic() > until:
            return False
        self.set_low_water(LOW_WATER_BYTES)
        return self._readable(LINGER_SECONDS)

    def _read_last(self, sink: Sink, buffer: memoryview) -> DrainEnd:
        """Pass bytes to the sink until none arrive for a short time."""
        until = time.monotonic() + LAST_SECONDS
        self.set_low_water(1)
        while self.left:
            count = self._receive(buffer[: self.left])
            if count is None:
                if time.monotonic() > until or not self._readable(LAST_ROUND_SECONDS):
                    return DrainEnd.CANCELLED
                continue
            if not count:
                return DrainEnd.DISCONNECTED
            sink((buffer[:count],))
            self.left -= count
            if time.monotonic() > until:
                break
        return DrainEnd.CANCELLED if self.left else DrainEnd.COMPLETE

    def _receive(self, buffer: memoryview) -> int | None:
        """Return the number of bytes received; 0: the connection ended; None: none are there."""
        try:
            return self._socket.recv_into(buffer, 0, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except (ConnectionError, TimeoutError):
            return 0

    def _readable(self, seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def set_low_water(self, count: int) -> None:
        """Make the socket readable from ``count`` bytes on, or from the rest of the body on."""
        count = max(1, min(count, self.left))
        if count != self._low_water:
            self._low_water = count
            with suppress(OSError):  # the connection has ended: the next receive returns 0
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def fileno(self) -> int:
        """Return the descriptor, for the loop to wait for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the descriptor; the socket has its usual low-water mark again."""
        self.set_low_water(1)
        self._socket.close()


# -- on the event loop


class SocketHandoff(Protocol):
    """Is a connection whose next bytes are a request's body."""

    @property
    def length(self) -> int:
        """Return the length of the whole body in bytes."""
        ...

    @property
    def left(self) -> int:
        """Return the number of bytes that the server has not read yet."""
        ...

    def hand_off(self) -> tuple[bytes | bytearray, SocketReader | None]:
        """Return the bytes that the server has read, and a reader for the rest.

        The caller must close the reader. It is None if the server has read the whole body.
        """
        ...

    def return_socket(self, reader: SocketReader) -> None:
        """Continue with the next request if the whole body was read; else allow only the answer."""
        ...


class SocketBody:
    """Implements ``uploads.body.Body`` for one request."""

    def __init__(self, handoff: SocketHandoff, threads: Threads) -> None:
        self._handoff = handoff
        self._threads = threads

    def whole(self) -> bytes | bytearray | None:
        """Return the whole body if it has arrived; see ``uploads.body.Body.whole``."""
        return None if self._handoff.left else self._handoff.hand_off()[0]

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
        """Receive the body; see ``uploads.body.Body.drain``. No byte is read of a too long body."""
        if limit is not None and self._handoff.length > limit:
            return DrainResult(0, DrainEnd.TOO_LONG)
        loop = asyncio.get_running_loop()
        watchdog = BodyWatchdog(idle_timeout=idle_timeout, min_rate=min_rate, now=loop.time())
        early, reader = self._handoff.hand_off()
        if reader is None:
            await self._threads.body(sink, (memoryview(early),))
            if throttle is not None:
                await throttle.consume(len(early))
            return DrainResult(len(early), DrainEnd.COMPLETE)
        try:
            if early:
                await self._threads.body(sink, (memoryview(early),))
            watch = _Watch(reader, cancel, watchdog, throttle)
            await watch.pause(await watch.throttle(len(early)))
            received = len(early)
            while True:
                begun_at = loop.time()
                result = await self._threads.body(
                    reader.read_slice, sink, cancel, watch.slice_bytes
                )
                now = loop.time()
                watchdog.on_bytes(result.count, now, busy=now - begun_at)
                received += result.count
                if on_progress is not None and result.count:
                    on_progress(received)
                pause = await watch.throttle(result.count)
                if result.end is not None:
                    end = result.end
                    break
                await watch.pause(pause)
                if result.would_block and not await watch.wait_readable():
                    end = DrainEnd.TIMED_OUT
                    break
        finally:
            reader.close()
            self._handoff.return_socket(reader)
        return DrainResult(self._handoff.length - reader.left, end)


class _Watch:
    """Waits on the loop for more bytes, or for the end of a throttle's pause."""

    def __init__(
        self,
        reader: SocketReader,
        cancel: CancelToken,
        watchdog: BodyWatchdog,
        throttle: Throttle | None,
    ) -> None:
        self._reader = reader
        self._watchdog = watchdog
        self._throttle = throttle
        self.slice_bytes = SLICE_BYTES if throttle is None else throttle.slice_bytes
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[bool] | None = None
        self.cancel = cancel
        cancel.on_cancel(self._wake)

    async def throttle(self, count: int) -> float:
        """Return the seconds to wait after ``count`` bytes."""
        return 0.0 if self._throttle is None else await self._throttle.consume(count)

    async def pause(self, seconds: float) -> None:
        """Wait for a number of seconds, unless the body is cancelled."""
        if seconds > 0:
            begun_at = self._loop.time()
            await self.cancel.wait(seconds)
            now = self._loop.time()
            self._watchdog.on_pause(now - begun_at, now)

    async def wait_readable(self) -> bool:
        """Wait until there are bytes to read, the connection has ended, or the body is cancelled.

        A few bytes are read only after a while. Returns: False if the body is given up.
        """
        while not self.cancel.cancelled:
            seconds = min(FLUSH_SECONDS, self._watchdog.next_check(self._loop.time()))
            if await self._enough(seconds) or _readable_bytes(self._reader):
                return True
            if self._watchdog.expired(self._loop.time()):
                return False
        return True

    async def _enough(self, seconds: float) -> bool:
        woken: asyncio.Future[bool] = self._loop.create_future()
        self._woken = woken
        self._reader.set_low_water(LOW_WATER_BYTES)
        descriptor = self._reader.fileno()
        self._loop.add_reader(descriptor, self._wake)
        timer = self._loop.call_later(seconds, self._wake, False)
        try:
            return await woken
        finally:
            timer.cancel()
            self._loop.remove_reader(descriptor)

    def _wake(self, enough: bool = True) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(enough)


def _readable_bytes(reader: SocketReader) -> int:
    """Return the number of bytes in the connection's receive buffer."""
    count = array.array("i", [0])
    fcntl.ioctl(reader.fileno(), termios.FIONREAD, count)
    return count[0]
