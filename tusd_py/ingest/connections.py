"""Shares one server among its connections: their number, how long each may wait, and turns.

Rule 1: a connection waits (``opening``, ``idle``) or serves a request. One that waits may be closed
at any time, the longest waiting first; one that serves is closed only if its client reads nothing.
Rule 2: each way of waiting has one duration, so its connections are in the order of their
deadlines: a pass visits only those that are due.
Rule 3: a loop runs everything that is ready before it polls its sockets again. So the requests that
begin in one iteration are bounded (``Turns``), and the chunked bodies that are parsed in it
(``ParsingShare``).
"""

import asyncio
import logging
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

from tusd_py.counts.local import LocalCounts
from tusd_py.counts.port import Counts
from tusd_py.ingest.descriptors import connections_allowed
from tusd_py.protocol.address import counted_address
from tusd_py.protocol.host import is_loopback
from tusd_py.settings.limits import ConnectionSettings
from tusd_py.uploads.body import BodyWatchdog

log = logging.getLogger(__name__)

PASS_SECONDS: Final = 0.5
_ALL: Final = "connections"
"""Key under which all connections are counted."""
SPARE: Final = 16
"""Number of connections beyond the limit, on which only requests for the health are answered."""
HEADS_BYTES: Final = 8 << 20
"""Most bytes of incomplete heads, over all connections of one machine."""
ANSWER_BYTES: Final = 256 << 10
"""Memory of an answer that waits, without the transport's buffer.

It holds the next piece, tasks, and overhead of the allocator. Measured: 0.4 MiB for a download in
all.
"""
UNSENT_BYTES: Final = 32 << 20
"""Most bytes of answers that clients do not read, over all connections of one machine ..."""
UNSENT_SECONDS: Final = 2.0
"""... beyond which connections are closed whose clients have read nothing for this time."""
STARTS: Final = 16
"""Requests that begin in one iteration of the loop: some milliseconds of work."""
SHARE_SECONDS: Final = 0.003
"""Share of one iteration of the loop, for all connections together.

uvloop accepts one connection in an iteration: with 10 ms the last of 60 that arrive together waited
0.9 s, with 3 ms 0.2 s. A stream of 64 KiB chunks is as fast with either.
"""
_BYTES_ACKED: Final = 120
"""Offset of ``tcpi_bytes_acked`` (64 bits) in Linux' ``tcp_info``."""


class Turns:
    """Starts the requests of one loop a few at a time, in the order in which they arrived.

    Without a bound, 1,500 requests that arrive together make one iteration of a second, in which no
    upload continues and no health check is read.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._started = 0

    def begin(self, start: Callable[[], None]) -> None:
        """Call ``start`` now, or in a later iteration if this one has begun ``STARTS``."""
        if not self._started and not self._waiting:
            self._loop.call_soon(self._next_turn)
        if self._started < STARTS:
            self._started += 1
            start()
        else:
            self._waiting.append(start)

    def _next_turn(self) -> None:
        self._started = min(STARTS, len(self._waiting))
        for _ in range(self._started):
            self._waiting.popleft()()
        if self._started:
            self._loop.call_soon(self._next_turn)


class ParsingShare:
    """Counts the time that one loop spends on chunked bodies, and queues connections that wait.

    A chunk of one byte costs as much as one of 64 KiB, so that a read of 256 KiB of such chunks is
    20 ms of work, and a loop reads from all its connections in one iteration. What exceeds the
    share of one iteration waits for a later one.
    """

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
        """Return whether nothing more may be parsed in this iteration."""
        return self._left < 0

    @property
    def is_waited_for(self) -> bool:
        """Return whether other connections wait for a share."""
        return bool(self._waiting)

    def spend(self, work: Callable[[], None]) -> None:
        """Call ``work`` and subtract its time from the share."""
        begun_at = self._clock()
        try:
            work()
        finally:
            self._left -= self._clock() - begun_at
            self._see_turn_end()

    def wait(self, resume: Callable[[], None]) -> None:
        """Call ``resume`` in a later iteration, after those that wait already."""
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


class Guarded(Protocol):
    """Is one connection, with what this table needs of it."""

    transport: asyncio.Transport
    head_begun: bool
    """Whether a head has begun and is incomplete."""

    def time_out(self) -> None:
        """Close the connection; answer 408 first if a head has begun."""
        ...


class Connections:
    """Is the table of connections; it is used only on its loop."""

    def __init__(
        self,
        limits: ConnectionSettings,
        min_rate: int,
        counts: Counts | None = None,
        *,
        servers: int = 1,
    ) -> None:
        """Start empty.

        Args: counts: of all processes that serve this port; None: this one serves it alone.
            servers: number of these processes, among which memory is divided.
        """
        self._limits = limits
        self._min_rate = min_rate
        self._counts = counts or LocalCounts()
        self._most_heads = HEADS_BYTES // servers
        self._most_unsent = UNSENT_BYTES // servers
        self._loop = asyncio.get_running_loop()
        self.turns = Turns(self._loop)
        """Decides when requests begin."""
        self.parsing = ParsingShare(self._loop)
        """Decides when chunked bodies are parsed."""
        self._total = connections_allowed(limits.total)
        self._addresses: dict[Guarded, str | None] = {}
        self._by_address: dict[str, dict[Guarded, None]] = {}
        self._spare: dict[Guarded, None] = {}
        self._opening: dict[Guarded, float] = {}
        self._idle: dict[Guarded, float] = {}
        self._closing: dict[Guarded, float] = {}
        self._unsent: dict[Guarded, _Answer] = {}
        self._heads: dict[Guarded, int] = {}
        self._heads_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    # -- how many

    def admit(self, connection: Guarded, peer: str | None) -> bool:
        """Add a new connection, in the place of one that waits if necessary.

        Args: peer: the client's IP address.
        Returns: False when there is no room for it.
        """
        address = self._counted(peer)
        if address is not None:
            same = self._by_address.get(address, {})
            if not self._acquire(_key(address), self._limits.per_address, same):
                return False
        if not self._acquire(_ALL, self._total, None):
            if len(self._spare) >= SPARE and not self._make_room(self._spare):
                if address is not None:
                    self._counts.release(_key(address))
                return False
            self._spare[connection] = None
        if address is not None:
            self._by_address.setdefault(address, {})[connection] = None
        self._addresses[connection] = address
        self._opening[connection] = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(PASS_SECONDS, self._pass)
        return True

    def _acquire(self, key: str, limit: int, among: dict[Guarded, None] | None) -> bool:
        """Count one more, in the place of a connection of this process if necessary."""
        while not self._counts.acquire(key, limit):
            if not self._make_room(among):
                return False
        return True

    def is_spare(self, connection: Guarded) -> bool:
        """Return whether a connection is beyond the limit; it may only request the health."""
        return connection in self._spare

    def leave(self, connection: Guarded) -> None:
        """Remove a connection that is closed."""
        if connection not in self._addresses:
            return
        address = self._addresses.pop(connection)
        if address is not None:
            self._counts.release(_key(address))
            same = self._by_address[address]
            del same[connection]
            if not same:
                del self._by_address[address]
        if connection in self._spare:
            del self._spare[connection]
        else:
            self._counts.release(_ALL)
        self._unsent.pop(connection, None)
        self._stop_waiting(connection)

    def _counted(self, peer: str | None) -> str | None:
        """Return the address or network under which a peer is counted; None: it is not counted."""
        if not self._limits.per_address or peer is None:
            return None
        address = counted_address(peer)
        return None if address is None or is_loopback(address) else address

    def _make_room(self, among: dict[Guarded, None] | None) -> bool:
        """Close the connection that has waited longest, first one without a complete request."""
        for waiting in (self._opening, self._idle):
            chosen: Iterable[Guarded] = waiting
            if among is not None:
                chosen = sorted(among.keys() & waiting.keys(), key=waiting.__getitem__)
            elif self._spare:
                chosen = (connection for connection in waiting if connection not in self._spare)
            for connection in chosen:
                connection.transport.abort()
                self.leave(connection)
                return True
        return False

    # -- how long

    def serves(self, connection: Guarded) -> None:
        """Note that the head of a connection's request is complete."""
        self._stop_waiting(connection)

    def waits(self, connection: Guarded) -> None:
        """Note that all requests of a connection are answered."""
        self._stop_waiting(connection)
        if connection in self._addresses:
            waiting = self._opening if connection.head_begun else self._idle
            waiting[connection] = self._loop.time()

    def head_grows(self, connection: Guarded, count: int) -> None:
        """Count ``count`` bytes of an incomplete head, which may follow a request in progress."""
        if self._idle.pop(connection, None) is not None:
            self._opening[connection] = self._loop.time()
        if connection not in self._opening:
            return
        self._heads[connection] = self._heads.get(connection, 0) + count
        self._heads_bytes += count
        while self._heads_bytes > self._most_heads and self._heads:
            oldest = next(iter(self._heads))
            oldest.transport.abort()
            self.leave(oldest)

    def stops_taking(self, connection: Guarded) -> None:
        """Note that a connection's client reads less than the server writes."""
        self._unsent[connection] = _Answer(
            connection.transport, self._limits.send_timeout, self._min_rate, self._loop.time()
        )

    def takes_again(self, connection: Guarded) -> None:
        """Note that all bytes that were written have been sent."""
        self._unsent.pop(connection, None)

    def _stop_waiting(self, connection: Guarded) -> None:
        if self._idle.pop(connection, None) is not None:
            return
        self._opening.pop(connection, None)
        self._closing.pop(connection, None)
        if self._heads:
            self._heads_bytes -= self._heads.pop(connection, 0)

    def _pass(self) -> None:
        now = self._loop.time()
        for waiting, seconds in (
            (self._opening, self._limits.head_timeout),
            (self._idle, self._limits.idle_timeout),
        ):
            for connection in self._due(waiting, now, seconds):
                self._stop_waiting(connection)
                connection.time_out()
        for connection in self._addresses:
            if connection not in self._closing and connection.transport.is_closing():
                self._closes(connection, now)
        for connection in self._due(self._closing, now, self._limits.send_timeout):
            connection.transport.abort()
            self.leave(connection)
        self._end_unsent(now)
        alive = bool(self._addresses)
        self._timer = self._loop.call_later(PASS_SECONDS, self._pass) if alive else None

    def _closes(self, connection: Guarded, now: float) -> None:
        """Note that a connection closes when its answer is sent, which a client can delay."""
        self._stop_waiting(connection)
        self._closing[connection] = now
        if connection not in self._unsent and connection.transport.get_write_buffer_size():
            self.stops_taking(connection)

    def _due(self, waiting: dict[Guarded, float], now: float, seconds: float) -> list[Guarded]:
        """Return the connections that have waited for ``seconds``.

        A connection whose answer is not sent yet waits for its client; see ``_end_unsent``.

        Args: waiting: connections in the order of the times since which they wait.
        """
        due = []
        for connection, since in waiting.items():
            if since > now - seconds:
                break
            due.append(connection)
        for connection in due:
            if connection in self._unsent:
                del waiting[connection]
                waiting[connection] = now
        return [connection for connection in due if connection not in self._unsent]

    def _end_unsent(self, now: float) -> None:
        held = sum(answer.size() for answer in self._unsent.values())
        silent = sorted(self._unsent.items(), key=lambda item: item[1].check(now))
        for connection, answer in silent:
            too_much = held > self._most_unsent and now - answer.last_read_at >= UNSENT_SECONDS
            if too_much or answer.expired(now):
                log.info("connection.answer_not_taken", extra={"unsent": answer.size()})
                held -= answer.size()
                connection.transport.abort()
                self.leave(connection)


class _Answer:
    """Is an answer that waits until its client reads it."""

    def __init__(
        self, transport: asyncio.Transport, timeout: float, min_rate: int, now: float
    ) -> None:
        self._transport = transport
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._pace = BodyWatchdog(idle_timeout=timeout, min_rate=min_rate, now=now)
        self._taken = self._taken_by_client()

    def size(self) -> int:
        """Return the approximate number of bytes that this process holds for the answer."""
        return ANSWER_BYTES + self._transport.get_write_buffer_size()

    @property
    def last_read_at(self) -> float:
        """Return when the client last read something, in the loop's seconds."""
        return self._pace.last_bytes_at

    def check(self, now: float) -> float:
        """Check whether the client read something; return when it last did."""
        taken = self._taken_by_client()
        self._pace.on_bytes(max(0, taken - self._taken), now)
        self._taken = taken
        return self._pace.last_bytes_at

    def expired(self, now: float) -> bool:
        return self._pace.expired(now)

    def _taken_by_client(self) -> int:
        """Return a number that increases with each byte that the client's system acknowledges."""
        if self._socket is not None:
            with suppress(OSError, struct.error):  # no TCP, an old system, or it is closed
                info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                return int(struct.unpack_from("Q", info, _BYTES_ACKED)[0])
        return -self._transport.get_write_buffer_size()


_tables: WeakKeyDictionary[ServerState, Connections] = WeakKeyDictionary()


def connections_of(
    state: ServerState,
    limits: ConnectionSettings,
    min_rate: int,
    counts: Counts | None,
    servers: int,
) -> Connections:
    """Return the table of a uvicorn server; there is one for each server."""
    table = _tables.get(state)
    if table is None:
        table = _tables[state] = Connections(limits, min_rate, counts, servers=servers)
    return table


def _key(address: str) -> str:
    return f"address {address}"
