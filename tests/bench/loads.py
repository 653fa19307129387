"""The loads of the servers, and the figures of a run."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from machine import Others, Usage, others
from measured_servers import PEERS, Running

GIB: Final = 1 << 30


@dataclass(frozen=True)
class Load:
    """One scenario.

    ``size`` is in bytes of an upload; ``count`` is the number of streams, rounds, or at most of
    uploads, which end after ``seconds``; ``unit`` is the unit of the CPU seconds and the rate.
    """

    mode: str
    count: int
    size: int
    unit: str
    seconds: float = 10.0

    def smaller(self, share: int) -> "Load":
        """Return the same load with less work, to try it out."""
        if self.unit == "GiB":
            return replace(self, size=max(self.size // share, 1 << 20))
        return replace(self, count=max(self.count // share, 1), seconds=self.seconds / share)

    @property
    def memory(self) -> int:
        """Return how many bytes of memory a server and its files may take.

        A body may be in memory twice: one of the servers writes it after its last byte.
        """
        bodies = self.size * self.count if self.unit == "GiB" else 0
        return 2 * bodies + MEMORY_OF_A_SERVER


MEMORY_OF_A_SERVER: Final = 1 << 29
MOST_UPLOADS: Final = 1_000_000

LOADS: Final = {
    "one stream": Load("big", 1, GIB, "GiB"),
    "8 streams": Load("big", 8, GIB // 8, "GiB"),
    "paced, 62 MiB/s": Load("paced", 1, GIB // 2, "GiB"),
    "4 KiB, POST and PATCH": Load("small", MOST_UPLOADS, 4096, "upload", 4),
    "4 KiB, one POST": Load("cwu", MOST_UPLOADS, 4096, "upload", 4),
    "resumed half-way": Load("resume", 1, GIB, "GiB"),
    "take-over": Load("takeover", 5, 1 << 20, "upload"),
}
WARM_UPS: Final = {mode: Load(mode, 256, 4096, "upload") for mode in ("small", "cwu")}
"""The others are warmed up by one stream of a MiB."""


@dataclass(frozen=True)
class Figures:
    """One run. ``waits``: milliseconds; what they measure depends on the load."""

    rate: float
    """Units a second."""
    cpu: float
    """Seconds of the server's CPU per unit, of all its processes."""
    client_cpu: float
    seconds: float
    peaks_mib: tuple[float, ...]
    """The most memory of each process."""
    start_seconds: float
    waits: tuple[float, ...]
    others: Others
    error: str = ""
    ends: tuple[float, ...] = ()
    """Seconds after which each stream was complete."""

    @property
    def server_cores(self) -> float:
        """Return how many cores the server has used."""
        return self.cpu * self.rate

    @property
    def client_cores(self) -> float:
        """Return how many cores the client has used."""
        return self.client_cpu * self.rate

    @property
    def peak_mib(self) -> float:
        """Return the memory of all processes; what they share is counted by each."""
        return sum(self.peaks_mib)


@contextmanager
def source_of(size: int) -> Iterator[Path]:
    """Make a file in memory with this number of incompressible bytes, at most a GiB."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="tusd-bench-") as file:
        left = min(size, GIB)
        while left:
            left -= file.write(os.urandom(min(left, 1 << 24)))
        file.flush()
        yield Path(file.name)


def warm_up(server: Running, load: Load, source: Path) -> None:
    """Let the server do what it does only once; all its processes answer afterwards."""
    _send(server, WARM_UPS.get(load.mode, Load("big", 1, 1 << 20, "GiB")), source, "/files/")


def generate(server: Running, load: Load, source: Path, *, path: str = "/files/") -> Figures:
    """Run the load against the server."""
    os.sync()
    usage, own, before = Usage.now(), time.process_time(), server.cpu_seconds()
    result = _send(server, load, source, path)
    cpu, client = server.cpu_seconds() - before, result["client_cpu_seconds"]
    meanwhile = others(usage, cpu + client + time.process_time() - own)
    amount = result["done"] * (load.size / GIB if load.unit == "GiB" else 1)
    per = amount or float("inf")
    return Figures(
        rate=amount / result["seconds"] if amount else 0.0,
        cpu=cpu / per,
        client_cpu=client / per,
        seconds=result["seconds"],
        peaks_mib=tuple(server.peaks_mib()),
        start_seconds=server.start_seconds,
        waits=tuple(result["waits_ms"] or ()),
        others=meanwhile,
        error=result["first_error"],
        ends=tuple(result["ends_seconds"] or ()),
    )


def _send(server: Running, load: Load, source: Path, path: str) -> dict[str, Any]:
    done = subprocess.run(
        [
            str(PEERS / "bin/loadgen"), "-addr", server.address, "-path", path,
            "-mode", load.mode, "-n", str(load.count), "-size", str(load.size),
            "-hold", f"{load.seconds}s", "-source", str(source),
        ],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if not done.stdout:
        raise RuntimeError(done.stderr[-500:])
    result: dict[str, Any] = json.loads(done.stdout)
    return result
