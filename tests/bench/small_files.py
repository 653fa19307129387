"""How the page sends thousands of small files: ``make bench-small-files``.

Files of 1 to 60 kB are chosen at once in Chromium, and then once more by another visitor, when the
server holds them all. Printed are seconds until the last one was sent, requests by method, the
longest time for which the page stood still while the browser gave it the files and afterwards, and
the CPU time of the server, of which its worker is a part.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table
from support.metrics import Figures, metrics
from support.page import visiting
from support.server import Server, running_server
from support.waiting import wait_until

TIMEOUT_SECONDS: Final = 900


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    arguments = parser.parse_args()
    table = Table(
        "", "seconds", "requests", "standstill at the choice, ms", "longest afterwards, ms",
        "server's CPU, s",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "files")
        fill(folder, arguments.files)
        with running_server(Path(name, "data"), "--workers", "1") as server:
            for title in ("new", "held"):
                table.add_row(title, *sent(server, folder, arguments.files))
                wait_until(lambda: completed(server) >= arguments.files, timeout=TIMEOUT_SECONDS)
    Console(width=160).print(table)


def fill(folder: Path, count: int) -> None:
    """Make files of random bytes."""
    folder.mkdir()
    chance = random.Random(1)
    for number in range(count):
        (folder / f"{number:05}.bin").write_bytes(chance.randbytes(chance.randint(1000, 60_000)))


def sent(server: Server, folder: Path, count: int) -> list[str]:
    """Send all files of a folder in one visit; return what it took."""
    before, used = metrics(server.url), server.cpu_seconds()
    with visiting(
        f"{server.url}/",
        ["watch"], ["line"], ["all", str(folder)], ["stall"], ["line"], ["stall"],
        patience=TIMEOUT_SECONDS,
    ) as visit:  # fmt: skip
        visit.wait_for_line()
        begin = time.monotonic()
        visit.go_on()
        done = "tusd_uploads_finished_total"
        wait_until(
            lambda: metrics(server.url)[done] - before[done] == count, timeout=TIMEOUT_SECONDS
        )
        took = time.monotonic() - begin
        visit.wait_for_line()
        visit.go_on()
        stalls = [str(each["longest"]) for each in visit.seen() if "longest" in each]
    after = metrics(server.url)
    used = server.cpu_seconds() - used
    return [f"{took:.1f}", requests(before, after), *stalls, f"{used:.1f}"]


def completed(server: Server) -> int:
    """Return the number of files that are ready."""
    total: int = httpx.get(f"{server.url}/api/file/upload/tasks?state=completed").json()["total"]
    return total


def requests(before: Figures, after: Figures) -> str:
    """Return the number of requests of each kind between two readings."""
    kinds: dict[str, float] = {}
    for name, value in after.items():
        if not name.startswith("tusd_http_requests_total,"):
            continue
        kind = " ".join(part for part in name.split(",")[1:])
        kinds[kind] = kinds.get(kind, 0) + value - before.get(name, 0)
    return "\n".join(f"{kind}: {number:.0f}" for kind, number in kinds.items() if number > 2)


if __name__ == "__main__":
    main()
