"""The loads of the servers, and the figures of a run."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measured_servers import PEERS, Running

GIB: Final = 1 << 30


@dataclass(frozen=True)
class Load:
    """One scenario.

    ``size`` is in bytes of an upload; ``count`` is the number of streams, uploads or rounds;
    ``unit`` is the unit of the CPU seconds and the rate.
    """

    mode: str
    count: int
    size: int
    unit: str

    def smaller(self, share: int) -> "Load":
        """Return the same load with less work, to try it out."""
        if self.unit == "GiB":
            return Load(self.mode, self.count, max(self.size // share, 1 << 20), self.unit)
        return Load(self.mode, max(self.count // share, 1), self.size, self.unit)

    @property
    def amount(self) -> float:
        """Return the number of units: GiB or uploads."""
        return self.count * self.size / GIB if self.unit == "GiB" else self.count


LOADS: Final = {
    "one stream": Load("big", 1, GIB, "GiB"),
    "8 streams": Load("big", 8, GIB // 8, "GiB"),
    "paced, 62 MiB/s": Load("paced", 1, GIB // 2, "GiB"),
    "4 KiB, POST and PATCH": Load("small", 2000, 4096, "upload"),
    "4 KiB, one POST": Load("cwu", 2000, 4096, "upload"),
    "resumed half-way": Load("resume", 1, GIB, "GiB"),
    "take-over": Load("takeover", 5, 1 << 20, "upload"),
}


@dataclass(frozen=True)
class Figures:
    """One run. ``waits``: milliseconds; what they measure depends on the load."""

    rate: float
    """Units a second."""
    cpu: float
    """Seconds of the server's CPU per unit."""
    client_cpu: float
    peak_mib: float
    waits: tuple[float, ...]
    error: str = ""
    ends: tuple[float, ...] = ()
    """Seconds after which each stream was complete."""


@contextmanager
def source_of(size: int) -> Iterator[Path]:
    """Make a file in memory with this number of incompressible bytes, at most a GiB."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="tusd-bench-") as file:
        left = min(size, GIB)
        while left:
            left -= file.write(os.urandom(min(left, 1 << 24)))
        file.flush()
        yield Path(file.name)


def generate(server: Running, load: Load, source: Path, *, path: str = "/files/") -> Figures:
    """Run the load against the server."""
    os.sync()
    before = server.cpu_seconds()
    done = subprocess.run(
        [
            str(PEERS / "bin/loadgen"), "-addr", server.address, "-path", path,
            "-mode", load.mode, "-n", str(load.count), "-size", str(load.size),
            "-source", str(source),
        ],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if not done.stdout:
        raise RuntimeError(done.stderr[-500:])
    result = json.loads(done.stdout)
    return Figures(
        rate=load.amount / result["seconds"],
        cpu=(server.cpu_seconds() - before) / load.amount,
        client_cpu=result["client_cpu_seconds"] / load.amount,
        peak_mib=server.peak_mib(),
        waits=tuple(result["waits_ms"] or ()),
        error=result["first_error"],
        ends=tuple(result["ends_seconds"] or ()),
    )
