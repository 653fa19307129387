"""The rest of a body on its connection, moved to the sink by a thread, a slice at a time.

Rule 1: nothing here waits longer than ``LINGER_SECONDS``: who has nothing to send holds no thread.
Rule 2: never a byte beyond the body: the next request may follow at once.
Rule 3: the socket stays non-blocking (the flag belongs to the connection, not to our descriptor);
a low-water mark on it is ours while we have it, and is at most what is left of the body, or the
tail would be waited for in vain.
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
"""Received and hashed at once (written in smaller pieces, see ``storage.disk_writer``): 512 KiB cost 1.28
CPU seconds a GiB, 1 MiB 1.04, 2 MiB 0.91, 4 and 8 MiB the same (medians, hash included)."""
LOW_WATER_BYTES: Final = 256 << 10
"""Nobody is woken for less (paced 60 MiB/s: 0.96 CPU seconds per GiB, 1.44 without)."""
SLICE_BYTES: Final = 16 << 20
"""A thread gives the body back after so much, so that streams share the threads fairly ..."""
SLICE_SECONDS: Final = 0.1
"""... or after so long."""
LINGER_SECONDS: Final = 0.02
"""A stream that pauses for less keeps its thread (paced: 2.64 CPU seconds per GiB without)."""
LAST_ROUND_SECONDS: Final = 0.005
"""Asked to let go, we take what arrives within so short a pause ..."""
LAST_SECONDS: Final = 0.04
"""... for so long at most: the newcomer waits less than 100 ms."""

_scratch = threading.local()


def _buffer() -> memoryview:
    """The thread's own, used again and again: a fresh one would fault in its pages each time."""
    try:
        kept: memoryview = _scratch.buffer
    except AttributeError:
        kept = _scratch.buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))
    return kept


@dataclass(frozen=True, slots=True)
class ReadResult:
    """``count`` bytes were moved; the body's end if it came; ``dry``: nothing more is there now."""

    count: int
    end: DrainEnd | None = None
    would_block: bool = False


class SocketReader:
    """What is left of one body; ``left`` in bytes. Used by one thread at a time, never two at once.

    ``connection`` is a descriptor of our own (a duplicate): the server may close its own meanwhile.
    """

    def __init__(self, connection: socket.socket, left: int) -> None:
        self._socket = connection
        self._low_water = 1
        self.left = left

    def read_slice(self, sink: Sink, cancel: CancelToken, most: int = SLICE_BYTES) -> ReadResult:
        """Move what is there, ``most`` bytes at most. Raises: what the sink raises."""
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
        """Only who sends a lot is waited for here: a dribble is seen to by the loop."""
        if moved < LOW_WATER_BYTES or time.monotonic() > until:
            return False
        self.set_low_water(LOW_WATER_BYTES)
        return self._readable(LINGER_SECONDS)

    def _read_last(self, sink: Sink, buffer: memoryview) -> DrainEnd:
        """What has arrived, up to a pause."""
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
        """Bytes received, 0 at the end of the connection, None: none are there."""
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
        """Wake nobody for fewer bytes than ``count``, or than are left."""
        count = max(1, min(count, self.left))
        if count != self._low_water:
            self._low_water = count
            with suppress(OSError):  # the connection is gone: receiving will tell
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def fileno(self) -> int:
        """For the loop to watch."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the connection back as it was."""
        self.set_low_water(1)
        self._socket.close()
