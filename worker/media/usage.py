"""Measures what a running program and its descendants use, from ``/proc`` (proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
# Positions after the program's name in /proc/<pid>/stat.
_CPU_TICKS: Final = slice(11, 15)
_THREADS: Final = 17


@dataclass(frozen=True, slots=True)
class Usage:
    """Holds the present number of threads, and the processor time in seconds.

    The processor time includes that of children that were waited for.
    """

    threads: int
    cpu: float


def usage_of(pid: int, *, most: int) -> Usage:
    """Add up a process and its descendants; the count stops once it is beyond ``most`` threads.

    A process that ends meanwhile is not counted.
    """
    threads, ticks = 0, 0
    waiting = [pid]
    while waiting and threads <= most:
        folder = _PROC / str(waiting.pop())
        try:
            # The name may hold anything, parentheses too.
            facts = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            threads += int(facts[_THREADS])
            ticks += sum(map(int, facts[_CPU_TICKS]))
            for thread in os.listdir(folder / "task"):  # noqa: PTH208  (names, not paths)
                children = (folder / "task" / thread / "children").read_bytes()
                waiting += map(int, children.split())
        except (OSError, IndexError):
            continue
    return Usage(threads, ticks / _TICKS)
