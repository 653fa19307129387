"""What bodies cost one process in memory, and how late its loop becomes: ``make bench-bodies``.

There are three loads: one upload of 10 GiB, 64 at once, and 1,000 slow ones with 5,000 idle event
streams; each on a fresh server with the default durability. The figure of fairness for the 64 is
the time of the first to complete, divided by that of the last.
"""

import argparse
import asyncio
import json
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx
from loads import GIB, Load, generate, source_of
from measured_servers import Running, running
from rich.console import Console
from rich.table import Table
from support.event_streams import open_streams
from support.metrics import metrics
from support.waiting import until

OURS: Final = "tusd-py"
LISTENERS: Final = 5000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="do only so small a share of the work")
    parser.add_argument("--dir", type=Path, help="where the servers keep their data")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    share: int = arguments.share
    table = Table(
        "what", "MiB at rest", "peak MiB", "loop p50 ms", "loop p99 ms", "last 204 ms", "first/last"
    )
    found: dict[str, dict[str, Any]] = {}
    with source_of(GIB // share) as source:
        loads = {
            "one upload of 10 GiB": Load("big", 1, 10 * GIB // share, "GiB"),
            "64 uploads at once": Load("big", 64, GIB // 16 // share, "GiB"),
        }
        for name, load in loads.items():
            with running(OURS, arguments.dir) as server:
                found[name] = _under(server, load, source)
    with running(OURS, arguments.dir) as server:
        name = f"{1000 // share} slow uploads, {LISTENERS // share} listeners"
        found[name] = asyncio.run(_slow(server, share))
    for name, of in found.items():
        table.add_row(name, *(f"{of[key]:.2f}" if key in of else "" for key in KEYS))
    Console().print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1))


KEYS: Final = ("rest_mib", "peak_mib", "lag_p50_ms", "lag_p99_ms", "last_204_ms", "first_through")


def _under(server: Running, load: Load, source: Path) -> dict[str, Any]:
    rest, before = sum(server.peaks_mib()), _lateness(server)
    done = generate(server, load, source)
    if done.error:
        raise RuntimeError(done.error)
    return {
        "rest_mib": rest,
        "peak_mib": done.peak_mib,
        "last_204_ms": max(done.waits),
        "first_through": min(done.ends) / max(done.ends),
        "gib_a_second": done.rate,
        "cpu_seconds_a_gib": done.cpu,
        **_lag(before, _lateness(server)),
    }


async def _slow(server: Running, share: int) -> dict[str, Any]:
    rest = sum(server.peaks_mib())
    # Each stream follows an upload of which no event comes: events of others are not sent to it.
    made = httpx.post(
        f"http://{server.address}/files/", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1"}
    )
    path = f"/api/file/upload/events/{made.headers['Location'].rpartition('/')[2]}"
    streams = await open_streams(f"http://{server.address}", [path] * (LISTENERS // share))
    await until(lambda: all(stream.opened for stream in streams), timeout=120)
    listening, before = sum(server.peaks_mib()), _lateness(server)
    # Their space is reserved: together they must not be larger than the disk.
    load = Load("slow", 1000 // share, 1 << 20, "upload")
    done = await asyncio.to_thread(generate, server, load, Path("/dev/null"))
    for stream in streams:
        stream.close()
    if done.error:
        raise RuntimeError(done.error)
    return {
        "rest_mib": rest,
        "peak_mib": done.peak_mib,
        "kib_a_listener": (listening - rest) * 1024 / len(streams),
        "kib_an_upload": (done.peak_mib - listening) * 1024 / load.count,
        "cpu_seconds_a_second": done.cpu * done.rate,
        **_lag(before, _lateness(server)),
    }


def _lateness(server: Running) -> Mapping[float, float]:
    """Return how often the loop woke up late since the start, by the bound in seconds."""
    name = "tusd_event_loop_lag_seconds_bucket,"
    counted = metrics(f"http://{server.address}")
    return {
        float(key.removeprefix(name)): count
        for key, count in counted.items()
        if key.startswith(name)
    }


def _lag(before: Mapping[float, float], after: Mapping[float, float]) -> Mapping[str, float]:
    """Return quantiles of what was added, as the upper bounds of the buckets that they fall in."""
    added = {bound: after[bound] - before[bound] for bound in sorted(after)}
    total = added[float("inf")]
    return {
        f"lag_p{percent}_ms": 1000
        * next(bound for bound, count in added.items() if count >= total * percent / 100)
        for percent in (50, 99)
    }


if __name__ == "__main__":
    main()
