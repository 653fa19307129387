"""What open uploads cost a server without requests: ``make bench-open-uploads``.

Uploads are created over HTTP, in a directory in memory, and made older: their last bytes arrived
within the last day. A new process serves them, and another one an empty directory, from whose start
on each minute's CPU time and the memory at its end are read. ``--python`` measures another version:
it is the interpreter of that version's environment.
"""

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from support.raw_http import connected
from support.server import Server, running_server
from support.tus import BODY

MEMORY: Final = Path("/dev/shm")
AGE_SECONDS: Final = 24 * 3600
CONNECTIONS: Final = 4
SETTLED_MINUTE: Final = 4
"""The first minute after the start that counts as settled: all uploads have been examined."""


@dataclass(frozen=True)
class Minute:
    """What a process used in one minute."""

    cpu_seconds: float
    mib: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=100_000)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--python", default=sys.executable)
    arguments = parser.parse_args()
    # The working directory has this version's package.
    how = {"program": (arguments.python, "-m", "tusd_py"), "env": {"PYTHONSAFEPATH": "1"}}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY)))
        fill(folder / "many", arguments.uploads, how)
        servers = [
            stack.enter_context(running_server(folder / name, "--workers", "1", **how))
            for name in ("none", "many")
        ]
        minutes = observed(servers, arguments.minutes)
    _print(minutes, arguments.uploads)


def fill(data_dir: Path, count: int, how: dict[str, Any]) -> None:
    """Create open uploads that have one of ten bytes, and make them older."""
    with (
        running_server(data_dir, "--workers", "0", **how) as server,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        shares = [range(number, count, CONNECTIONS) for number in range(CONNECTIONS)]
        list(pool.map(lambda share: _create(server, len(share)), shares))
    with closing(sqlite3.connect(data_dir / "catalog.sqlite3")) as catalog, catalog:
        older = "UPDATE uploads SET created_at = created_at - abs(random()) % ?"
        catalog.execute(older, (AGE_SECONDS,))
        for name, created_at in catalog.execute("SELECT id, created_at FROM uploads"):
            os.utime(data_dir / "uploads" / name[:2] / name, (created_at, created_at))


def _create(server: Server, count: int) -> None:
    with connected(server.files) as connection:
        fields = {**BODY, "Upload-Length": 10, "Content-Length": 1}
        head = connection.request("POST", server.files, **fields)
        for _ in range(count):
            connection.send(head, b"x")
            answer = connection.answer()
            assert answer.status == 201, answer


def observed(servers: Sequence[Server], count: int) -> list[list[Minute]]:
    """Return what each of the servers used, minute by minute."""
    minutes, before = [], [server.cpu_seconds() for server in servers]
    begin = time.monotonic()
    for number in range(1, count + 1):
        # What is measured is the use in a minute of time, so there is no condition to wait for.
        time.sleep(max(0.0, begin + 60 * number - time.monotonic()))
        now = [server.cpu_seconds() for server in servers]
        minutes.append(
            [Minute(b - a, _mib(s)) for s, a, b in zip(servers, before, now, strict=True)]
        )
        before = now
    return minutes


def _print(minutes: list[list[Minute]], uploads: int) -> None:
    table = Table("minute", "no upload: CPU s", "MiB", f"{uploads:,} open: CPU s", "MiB")
    settled = minutes[SETTLED_MINUTE - 1 :]
    rows = [(str(number), row) for number, row in enumerate(minutes, 1)]
    if settled:
        sums = [
            Minute(
                statistics.fmean(row[server].cpu_seconds for row in settled),
                max(row[server].mib for row in settled),
            )
            for server in (0, 1)
        ]
        rows.append((f"mean from {SETTLED_MINUTE} on", sums))
    for name, row in rows:
        figures = [text for used in row for text in (f"{used.cpu_seconds:.2f}", f"{used.mib:.0f}")]
        table.add_row(name, *figures)
    Console().print(table)


def _mib(server: Server) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
