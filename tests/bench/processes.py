"""What clients see of several processes that die under load: ``make bench-processes``.

Without the tests' small numbers: connections while the processes are killed in turn, and the time
until an upload goes on at another process. All figures are of real requests from this machine.
"""

import argparse
import itertools
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from support.process_set import children, wait_until_replaced
from support.raw_http import Connection
from support.server import Server, running_server
from support.tus import create
from support.waiting import wait_until

SIZE = 8 << 20
SENT = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    flags = ("--workers", "0", "--processes", str(arguments.processes))
    with (
        tempfile.TemporaryDirectory(prefix="tusd-bench-") as folder,
        running_server(Path(folder), *flags) as server,
    ):
        console = Console(width=140)
        console.print(_killed_under_load(server, arguments.connections))
        console.print(_waits(server, arguments.rounds))


class _Clients:
    """Opens a connection for each small upload, and counts what comes of it."""

    def __init__(self, server: Server, connections: int) -> None:
        self.refused = self.broken = self.stored = 0
        self.seconds: list[float] = []
        self._server = server
        self._tickets = itertools.count()
        self._connections = connections
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def are_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while next(self._tickets) < self._connections:
            began = time.perf_counter()
            try:
                url = create(self._server, 5, b"bytes")
                assert httpx.get(url).content == b"bytes"
                self.stored += 1
            except httpx.ConnectError:
                self.refused += 1
            except httpx.TransportError:
                self.broken += 1
            self.seconds.append(time.perf_counter() - began)


def _killed_under_load(server: Server, connections: int) -> Table:
    clients = _Clients(server, connections)
    count, killed = len(children(server)), 0
    clients.start()
    while clients.are_busy():
        for pid in children(server):
            os.kill(pid, signal.SIGKILL)
            killed += 1
            wait_until_replaced(server, pid, count)
    table = Table(
        title=f"{connections} small uploads, a connection each, while processes are killed"
    )
    for column in ("killed", "refused", "broken off", "stored", "median ms", "worst ms"):
        table.add_column(column, justify="right")
    table.add_row(
        *(str(number) for number in (killed, clients.refused, clients.broken, clients.stored)),
        f"{statistics.median(clients.seconds) * 1000:.0f}",
        f"{max(clients.seconds) * 1000:.0f}",
    )
    return table


def _waits(server: Server, rounds: int) -> Table:
    table = Table("what", "rounds", "median, ms", "worst, ms", title="waiting")
    works: dict[str, Callable[[Server], float]] = {
        "take-over of a silent PATCH, by any process": _taken_over,
        "process killed in a PATCH: until the next byte is stored": _gone_on,
    }
    for name, work in works.items():
        seconds = [work(server) for _ in range(rounds)]
        middle, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
        table.add_row(name, str(rounds), f"{middle:.0f}", f"{worst:.0f}")
    return table


def _silent(server: Server, url: str) -> Connection:
    """Send a part of a body, and wait until it is stored."""
    silent = Connection(url)
    silent.send(silent.patch(url, 0, SIZE), bytes(SENT))
    wait_until(lambda: server.file_of(url).stat().st_size == SENT)
    return silent


def _taken_over(server: Server) -> float:
    url = create(server, SIZE)
    silent = _silent(server, url)
    seconds = _next_byte(url)
    silent.socket.close()
    return seconds


def _gone_on(server: Server) -> float:
    url = create(server, SIZE)
    silent = _silent(server, url)
    killed = _owner(server, silent)
    count = len(children(server))
    os.kill(killed, signal.SIGKILL)
    seconds = _next_byte(url)
    silent.socket.close()
    wait_until_replaced(server, killed, count)
    return seconds


def _next_byte(url: str) -> float:
    """Return the seconds until a new connection has stored one byte more."""
    began = time.perf_counter()
    connection = Connection(url)
    connection.send(connection.request("HEAD", url))
    at = int(connection.answer(to_head=True).headers["upload-offset"])
    connection.send(connection.patch(url, at, 1), bytes(1))
    assert connection.answer().status == 204
    seconds = time.perf_counter() - began
    connection.socket.close()
    return seconds


def _owner(server: Server, connection: Connection) -> int:
    """Return the process that has the other end of a connection, by the kernel's tables."""
    port = connection.socket.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].rpartition(":")[2], 16) == port:
            name = f"socket:[{fields[9]}]"
            for pid in children(server):
                for link in Path(f"/proc/{pid}/fd").iterdir():
                    with suppress(OSError):
                        if str(link.readlink()) == name:
                            return pid
    raise AssertionError("no process has the connection")


if __name__ == "__main__":
    main()
