"""Reads the rest of a body from its socket in a thread, one slice at a time.

Rule 1: nothing here waits longer than ``LINGER_SECONDS``: a silent client occupies no thread.
Rule 2: no byte beyond the body is read: the next request may follow at once.
Rule 3: the socket stays non-blocking (the flag belongs to the connection, not to a descriptor).
Its low-water mark is set while the reader has the socket. The mark is never more than the rest of
the body, since the socket would otherwise not become readable at the end of the body.
"""

import mmap
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tusd_py.uploads.body import CancelToken, DrainEnd, Sink

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
