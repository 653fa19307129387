"""Reads one body in threads from what its connection has received.

Rule 1: no thread waits longer than ``LINGER_SECONDS``: a silent client occupies none.
Rule 2: what is read beyond the body is in ``framing``, and the connection continues with it.
Rule 3: the socket stays non-blocking (the flag belongs to the connection, not to a descriptor).
Its low-water mark is set while the reader has the socket. The mark is never more than what must
still come, since the socket would otherwise not become readable at the end of the body.
"""

import mmap
import select
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from tusd_py.chunks import first_bytes
from tusd_py.ingest.framing import Framing
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


class Incoming(Protocol):
    """Is the receiving side of a connection, used by one thread at a time."""

    def receive(self, buffer: memoryview) -> int | None:
        """Return the number of bytes received; 0: the connection ended; None: none are there."""
        ...

    def marked(self, count: int) -> int:
        """Return the low-water mark of the socket for which ``count`` bytes can be received."""
        ...


class PlainSocket:
    """Receives the bytes of a socket as they are."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def receive(self, buffer: memoryview) -> int | None:
        """Receive what is there; see ``Incoming.receive``."""
        try:
            return self._socket.recv_into(buffer, 0, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except (ConnectionError, TimeoutError):
            return 0

    def marked(self, count: int) -> int:
        """Return the same number."""
        return count


@dataclass(frozen=True, slots=True)
class ReadResult:
    """Holds the result of a slice.

    ``count`` bytes of the body were read; ``end`` is how it ended, None if it has not;
    ``would_block``: no more bytes are there now.
    """

    count: int
    end: DrainEnd | None = None
    would_block: bool = False


class SocketReader:
    """Reads the rest of one body. Only one thread at a time may use it.

    ``connection`` is a duplicate descriptor: the server may close its own descriptor meanwhile.
    """

    def __init__(
        self,
        connection: socket.socket,
        incoming: Incoming,
        framing: Framing,
        *,
        early: bytes | bytearray = b"",
    ) -> None:
        """``early``: bytes that the server has received before."""
        self._socket = connection
        self._incoming = incoming
        self._early = early
        self._low_water = 1
        self.framing = framing
        self.limit: int | None = None
        """Number of bytes of the body that may go to the sink; None: any number."""

    def read_slice(self, sink: Sink, cancel: CancelToken, most: int = SLICE_BYTES) -> ReadResult:
        """Pass at most ``most`` available bytes to the sink, and those that had come early.

        Raises: what the sink raises.
        """
        slice_ = _Slice(self, sink)
        if self._early:
            early, self._early = self._early, b""
            slice_.take(memoryview(early))
        buffer = _buffer()
        until = time.monotonic() + SLICE_SECONDS
        while slice_.end is None and slice_.count < most:
            if cancel.cancelled:
                self._read_last(slice_, buffer)
                break
            count = self._incoming.receive(buffer[: min(self.framing.most, most - slice_.count)])
            if count is None:
                if not self._worth_waiting(slice_.count, until):
                    return ReadResult(slice_.count, would_block=True)
            else:
                slice_.take(buffer[:count])
        return ReadResult(slice_.count, slice_.end)

    def _worth_waiting(self, moved: int, until: float) -> bool:
        """Wait for more bytes of a fast client and return whether they came.

        The loop waits for slow clients.
        """
        if moved < LOW_WATER_BYTES or time.monotonic() > until:
            return False
        self.set_low_water(LOW_WATER_BYTES)
        return self._readable(LINGER_SECONDS)

    def _read_last(self, slice_: "_Slice", buffer: memoryview) -> None:
        """Pass bytes to the sink until none arrive for a short time."""
        until = time.monotonic() + LAST_SECONDS
        self.set_low_water(1)
        while slice_.end is None:
            count = self._incoming.receive(buffer[: min(self.framing.most, BUFFER_BYTES)])
            if count is not None:
                slice_.take(buffer[:count])
            late = time.monotonic() > until
            if slice_.end is None and (
                late or (count is None and not self._readable(LAST_ROUND_SECONDS))
            ):
                slice_.end = DrainEnd.CANCELLED

    def _readable(self, seconds: float) -> bool:
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return bool(poller.poll(seconds * 1000))

    def set_low_water(self, count: int) -> None:
        """Make the socket readable from ``count`` bytes on, or from what must still come."""
        count = max(1, self._incoming.marked(min(count, self.framing.least)))
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


class _Slice:
    """Passes bytes of a body to the sink, and notes how many, and the body's end."""

    def __init__(self, reader: SocketReader, sink: Sink) -> None:
        self._reader = reader
        self._sink = sink
        self.count = 0
        self.end: DrainEnd | None = None

    def take(self, received: memoryview) -> None:
        """Take bytes of the connection; none: it has ended."""
        reader = self._reader
        if not received:
            self.end = DrainEnd.DISCONNECTED
            return
        pieces = reader.framing.body_of(received)
        size = sum(len(piece) for piece in pieces)
        if reader.framing.is_over:
            self.end = DrainEnd.COMPLETE
        if reader.limit is not None:
            if size > reader.limit:
                pieces, size = first_bytes(pieces, reader.limit), reader.limit
                self.end = DrainEnd.TOO_LONG
            reader.limit -= size
        if size:
            self._sink(pieces)
        self.count += size
