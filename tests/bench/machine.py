"""What machine it is that measures, and what else runs on it meanwhile."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
FOREIGN_CORES: Final = 0.1
"""A run during which others used more of the cores than this is marked."""
_KERNEL: Final = 2  # the parent of the kernel's threads


def facts() -> dict[str, object]:
    """Return what figures depend on."""
    cpu = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu,
        "kernel": platform.release(),
        "memory_mib": memory("MemTotal") >> 20,
        "python": platform.python_version(),
    }


def memory(name: str) -> int:
    """Return a line of ``/proc/meminfo``, in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name}")


@dataclass(frozen=True)
class Usage:
    """CPU seconds of the whole machine since its start, and when they were read."""

    at: float
    busy: float
    kernel: float
    """Of the kernel's own threads, which write what processes have stored."""
    stolen: float
    """Seconds in which the host gave a core to others."""

    @classmethod
    def now(cls) -> "Usage":
        """Read it."""
        fields = [int(value) for value in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        # Interrupts are not counted: most of them are of the connections of the load itself.
        busy = sum(fields[index] for index in (0, 1, 2)) / TICKS
        return cls(time.monotonic(), busy, _kernel_seconds(), fields[7] / TICKS)


@dataclass(frozen=True)
class Others:
    """What was not the server's and not the client's during a run, in cores."""

    foreign: float
    """Other processes of this machine, and what the host took away."""
    kernel: float
    load_average: float

    @property
    def disturbed(self) -> bool:
        """Return whether the run has to be marked."""
        return self.foreign > FOREIGN_CORES


def others(before: Usage, ours: float) -> Others:
    """Return what others did since ``before``, while our processes used ``ours`` CPU seconds."""
    after = Usage.now()
    took = after.at - before.at
    kernel = after.kernel - before.kernel
    foreign = after.busy - before.busy - kernel - ours + after.stolen - before.stolen
    return Others(max(foreign / took, 0.0), kernel / took, os.getloadavg()[0])


def _kernel_seconds() -> float:
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == _KERNEL:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS
