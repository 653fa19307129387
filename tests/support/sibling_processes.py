"""Runs functions in several real processes that are siblings."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from support.siblings import siblings_in

from tusd_py.clock import SystemClock
from tusd_py.counts.siblings import SiblingCounts
from tusd_py.rate_limits.siblings import SiblingRateLimiter
from tusd_py.siblings import Siblings

Work = Callable[[Siblings, Connection], None]
SERVERS = 4


@contextmanager
def running(work: Work, folder: Path) -> Iterator[list[tuple[BaseProcess, Connection]]]:
    """Run ``work`` in each of ``SERVERS`` processes, and end them with the block.

    Returns: each process, with the end of a pipe whose other end ``work`` has.
    """
    context = multiprocessing.get_context("spawn")
    started = []
    for number in range(SERVERS):
        ours, theirs = context.Pipe()
        place = siblings_in(folder, number, servers=SERVERS)
        process = context.Process(target=work, args=(place, theirs), daemon=True)
        process.start()
        theirs.close()
        started.append((process, ours))
    try:
        yield started
    finally:
        for process, ours in started:
            process.kill()
            process.join()
            process.close()
            ours.close()


def counting(place: Siblings, pipe: Connection) -> None:
    """Answer (key, limit, tries) with how many of the tries were counted."""
    counts = SiblingCounts(place)

    def serve(key: str, limit: int, tries: int) -> int:
        return sum(counts.acquire(key, limit) for _ in range(tries))

    _serve(pipe, serve)


def charging(place: Siblings, pipe: Connection) -> None:
    """Answer (key, cost, burst, tries) with how many of the tries were charged."""
    limiter = SiblingRateLimiter(place, SystemClock())

    def serve(key: str, cost: float, burst: float, tries: int) -> int:
        return sum(not limiter.try_acquire(key, cost=cost, burst=burst) for _ in range(tries))

    _serve(pipe, serve)


def _serve(pipe: Connection, answer: Callable[..., Any]) -> None:
    pipe.send("ready")
    while True:
        pipe.send(answer(*pipe.recv()))


def answers(started: list[tuple[BaseProcess, Connection]], *question: object) -> int:
    """Put the question to all processes at once, and return the sum of their answers."""
    for _, pipe in started:
        pipe.send(question)
    return sum(pipe.recv() for _, pipe in started)


def ready(started: list[tuple[BaseProcess, Connection]]) -> None:
    """Wait until all processes can answer."""
    assert [pipe.recv() for _, pipe in started] == ["ready"] * SERVERS
