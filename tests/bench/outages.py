"""How long users wait when parts of the topology are silent or die: ``make bench-outages``.

Two servers and three workers run behind nginx as ``deploy/local`` starts them. Every figure is of
real requests; the rounds follow each other on the same topology.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.table import Table
from support.deployed import Deployed
from support.raw_http import Connection
from support.tus import append, create, delete, offset, task_id
from support.waiting import wait_until

SENT: Final = 300_000
SIZE: Final = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tusd-bench-"))
    site = Deployed(folder)
    try:
        site.start(**{"jobs.relay_every": "0.1s"})
        metrics = _measure(site, arguments.rounds)
    finally:
        site.down("--remove")
        shutil.rmtree(folder, ignore_errors=True)
    table = Table("what", "rounds", "median, ms", "worst, ms", title="waiting")
    for name, seconds in metrics.items():
        middle, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
        table.add_row(name, str(len(seconds)), f"{middle:.0f}", f"{worst:.0f}")
    Console().print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(metrics))


def _measure(site: Deployed, rounds: int) -> dict[str, list[float]]:
    few = max(1, rounds // 4)
    return {
        "take-over of a silent PATCH by the other server": _repeated(
            rounds, lambda: _taken_over(site)
        ),
        "the last 204, all running": _repeated(rounds, lambda: _finished(site)),
        "the last 204, RabbitMQ killed": _without(site, "rabbitmq", few),
        "the last 204, Redis killed": _without(site, "redis", few),
        "server killed in a PATCH: until the other has the next byte": _repeated(
            few, lambda: _gone_on(site)
        ),
    }


def _repeated(rounds: int, measure: Callable[[], float]) -> list[float]:
    return [measure() for _ in range(rounds)]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _silent(site: Deployed, url: str, at: str) -> Connection:
    """Send a PATCH to a server that is stopped after it has taken part of the body."""
    silent = Connection(at)
    silent.send(silent.patch(at, 0, SIZE), bytes(SENT))
    wait_until(lambda: site.source(task_id(url)).stat().st_size == SENT)
    return silent


def _taken_over(site: Deployed) -> float:
    here, there = (site.entry(name)["urls"][0] for name in site.names("server"))
    url = create(site, SIZE)
    path = urlsplit(url).path
    silent = _silent(site, url, f"{here}{path}")
    seconds = _timed(lambda: _reached(f"{there}{path}", SENT))
    silent.socket.close()
    delete(url)
    return seconds


def _reached(url: str, expected: int) -> None:
    assert offset(url) == expected


def _finished(site: Deployed) -> float:
    content = os.urandom(SIZE)
    url = create(site, SIZE)
    seconds = _timed(lambda: append(url, 0, content))
    _completed(site, url)
    return seconds


def _completed(site: Deployed, url: str) -> None:
    wait_until(lambda: _status(site, url) == "completed", timeout=120)


def _status(site: Deployed, url: str) -> str:
    answer = httpx.get(f"{site.url}/api/file/upload/progress/{task_id(url)}", timeout=30)
    return str(answer.json().get("status"))


def _without(site: Deployed, name: str, rounds: int) -> list[float]:
    """Stop a part during uploads; the job of each upload runs once the part is back."""
    seconds, urls = [], []
    site.kill(name)
    try:
        for _ in range(rounds):
            url = create(site, SIZE)
            content = os.urandom(SIZE)
            seconds.append(_timed(lambda: append(url, 0, content)))  # noqa: B023  (called at once)
            urls.append(url)
    finally:
        site.up()
    for url in urls:
        _completed(site, url)
    return seconds


def _gone_on(site: Deployed) -> float:
    url = create(site, SIZE)
    silent = _silent(site, url, url)
    name = site.holder(task_id(url))
    assert name is not None
    pid = site.entry(name)["pid"]

    def go_on() -> None:
        os.killpg(pid, signal.SIGKILL)
        append(url, offset(url), bytes(1))

    try:
        seconds = _timed(go_on)
    finally:
        silent.socket.close()
        site.up()
    delete(url)
    return seconds


if __name__ == "__main__":
    main()
