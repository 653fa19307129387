"""Lends the TLS of a connection to the thread that reads its body.

The loop's transport and the thread use one TLS object: while it is lent, only the thread reads by
it, and the loop still writes by it (an interim answer, a close). TLS itself makes sure that nothing
is lost or reordered: a record that is out of order ends the connection.

TLS also writes when it reads: it refuses each renegotiation, for which any client may ask. What it
writes would wait until the loop sends something, and its buffer is not safe for two threads. So the
thread does not read while the loop takes what is to be sent, and such a client is given up.
"""

import asyncio
import mmap
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Self

from typing_extensions import override

CIPHER_BYTES: Final = 256 << 10
"""Bytes that are received at once, to be decrypted while they are in the CPU's cache."""
_RECORD_BYTES: Final = 17 << 10
"""More than what one record has, and TLS holds back until the record is whole."""

_KEPT: Final = nullcontext()
_scratch = threading.local()


def _buffer() -> memoryview:
    try:
        kept: memoryview = _scratch.buffer
    except AttributeError:
        kept = _scratch.buffer = memoryview(mmap.mmap(-1, CIPHER_BYTES))
    return kept


class LendableTls(ssl.SSLObject):
    """Is the TLS object of a transport, whose reading can be lent to a thread."""

    _encrypted: ssl.MemoryBIO
    """Where the transport puts what it receives."""
    _to_send: ssl.MemoryBIO
    """Where the transport takes what is to be sent, without the mutex."""
    _read_record: Callable[[int, memoryview], int]
    """What ``read`` calls: a GiB has 65,536 records, and a call in Python costs a microsecond."""
    _mutex: threading.Lock
    _loop: asyncio.AbstractEventLoop
    _is_lent = False
    _is_ended = False
    _is_kept = False
    """Whether the loop has the mutex until its next iteration."""

    @classmethod
    def _create(cls, *arguments: Any, **named: Any) -> Self:  # noqa: ANN401
        # Python calls it with the transport's two buffers first. What else it may do in a later
        # version, the object then can't be lent.
        made: Self = super()._create(*arguments, **named)  # type: ignore[misc]
        made._mutex = threading.Lock()
        buffers = [one for one in arguments[:2] if isinstance(one, ssl.MemoryBIO)]
        if len(buffers) == 2 and hasattr(made, "_sslobj"):
            made._encrypted, made._to_send = buffers
            made._read_record = made._sslobj.read
        return made

    @property
    def can_be_lent(self) -> bool:
        """Return whether it is known where the transport puts what it receives."""
        return hasattr(self, "_encrypted")

    @override
    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        if self._is_lent:
            self._keep()
            raise ssl.SSLWantReadError
        return super().read(len, buffer)

    @override
    def write(self, data: Any) -> int:
        with self._used():
            return super().write(data)

    @override
    def pending(self) -> int:
        with self._used():
            return super().pending()

    @override
    def unwrap(self) -> None:
        self._is_ended = True
        with self._used():
            super().unwrap()

    def _used(self) -> AbstractContextManager[object]:
        """Return a context in which the loop uses TLS."""
        if self._is_lent:
            self._keep()
        return _KEPT if self._is_kept else self._mutex

    def _keep(self) -> None:
        """Keep the mutex until the loop, in this iteration, has taken what is to be sent."""
        if not self._is_kept:
            self._mutex.acquire()
            self._is_kept = True
            self._loop.call_soon(self._give_up)

    def _give_up(self) -> None:
        self._is_kept = False
        self._mutex.release()

    async def lend(self, transport: asyncio.Transport) -> None:
        """Let a thread read by ``receive``; the transport's reading is paused already."""
        self._loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # What the transport has planned before would make it receive again.
        self._is_lent = True
        if not transport.is_closing():
            transport.set_read_buffer_limits(0)  # type: ignore[attr-defined]

    def take_back(self, transport: asyncio.Transport) -> None:
        """Let the transport receive again."""
        self._is_lent = False
        if not transport.is_closing():
            transport.set_read_buffer_limits()  # type: ignore[attr-defined]

    def receive(self, connection: socket.socket, buffer: memoryview) -> int | None:
        """Receive from the socket and decrypt; see ``socket_reader.Incoming.receive``."""
        count = self._decrypt(buffer)
        while count < len(buffer) and not self._is_ended and self._feed(connection):
            count += self._decrypt(buffer[count:])
        return count or (0 if self._is_ended else None)

    def _decrypt(self, buffer: memoryview) -> int:
        """Decrypt until the buffer is full or no whole record is left."""
        count, size, read = 0, len(buffer), self._read_record
        with self._mutex:
            to_send = self._to_send.pending
            try:
                while count < size:
                    taken = read(size - count, buffer[count:])
                    if not taken:
                        self._is_ended = True
                        break
                    count += taken
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLError, ValueError):
                self._is_ended = True
            if self._to_send.pending > to_send:
                self._is_ended = True
        return count

    def _feed(self, connection: socket.socket) -> bool:
        """Receive more of what is encrypted; return False if there is none."""
        encrypted = _buffer()
        try:
            count = connection.recv_into(encrypted, 0, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return False
        except (ConnectionError, TimeoutError):
            count = 0
        if not count:
            self._is_ended = True
            return False
        with self._mutex:
            self._encrypted.write(encrypted[:count])
        return True


class TlsSocket:
    """Implements ``socket_reader.Incoming`` for a socket whose TLS is lent."""

    def __init__(self, connection: socket.socket, tls: LendableTls) -> None:
        self._socket = connection
        self._tls = tls

    def receive(self, buffer: memoryview) -> int | None:
        """Receive and decrypt what is there; see ``Incoming.receive``."""
        return self._tls.receive(self._socket, buffer)

    def marked(self, count: int) -> int:
        """Return less: the first bytes of a record may have been received."""
        return count - _RECORD_BYTES


def make_lendable(context: ssl.SSLContext) -> None:
    """Let the context make TLS objects that can be lent, unless it makes others already."""
    if context.sslobject_class is ssl.SSLObject:
        context.sslobject_class = LendableTls
