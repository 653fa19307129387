"""Many Server-Sent Events streams on one event loop, with the time at which each event arrived."""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from support.waiting import until

_EVENT: Final = re.compile(
    rb"id: ([0-9a-f]+)\.([0-9]+)(?:\.[0-9]+)?\r?\n(?:event: end|"
    rb'data: \{"task_id": "([0-9a-f]+)", "status": "(\w+)", "progress": ([0-9]+)'
    rb'(?:[^\r\n]*"queue_position": ([0-9]+))?)'
)
ENDS: Final = frozenset({"completed", "failed"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of one stream; ``at`` is of the monotonic clock, in seconds."""

    task_id: str
    epoch: str
    seq: int
    status: str
    progress: int
    queue_position: int | None
    at: float


@dataclass(slots=True)
class Stream(asyncio.Protocol):
    """One client's stream. ``path`` is that of one task's stream or of the user's."""

    host: str
    path: str
    arrivals: list[Arrival] = field(default_factory=list)
    ends: int = 0
    """Number of times that ``event: end`` came."""
    opened: bool = False
    complete: bool = False
    """Whether the server has ended its answer."""
    closed: bool = False
    _rest: bytes = b""
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        whole, blank, self._rest = (self._rest + data).rpartition(b"\r\n\r\n")
        if blank and not self.opened:
            self.opened = whole.startswith(b"HTTP/1.1 200 ")
        self.complete = self.complete or whole.endswith(b"\r\n0") or whole == b"0"
        for match in _EVENT.finditer(whole):
            if match[3] is None:
                self.ends += 1
                continue
            self.arrivals.append(
                Arrival(
                    match[3].decode(), match[1].decode(), int(match[2]), match[4].decode(),
                    int(match[5]), None if match[6] is None else int(match[6]), now,
                )
            )  # fmt: skip

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def ended(self) -> frozenset[str]:
        """Return the tasks whose last state has arrived."""
        return frozenset(event.task_id for event in self.arrivals if event.status in ENDS)


async def open_streams(url: str, paths: Iterable[str], *, at_once: int = 50) -> list[Stream]:
    """Open a stream for each path at the server at ``url``, ``at_once`` at a time."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(at_once)

    async def open_one(path: str) -> Stream:
        async with gate:
            _, stream = await loop.create_connection(
                lambda: Stream(address.netloc, path), address.hostname, address.port
            )
            await until(lambda: stream.opened or stream.closed, timeout=60)
            return stream

    return list(await asyncio.gather(*(open_one(path) for path in paths)))
