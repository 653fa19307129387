"""How long a process takes to start: ``make bench-start``.

Each round starts a server on an empty directory and one on a directory of an earlier start, a worker,
and two commands. A server or a worker has started when it answers a request; a command, when it has
ended. ``--before`` is the folder of another version, which runs in turn with this one, in this
version's environment.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table
from topology.program import free_port

ROOT: Final = Path(__file__).parents[2]
PAUSE_SECONDS: Final = 0.002
START_SECONDS: Final = 60.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Start:
    """What one start took: seconds until the answer, CPU seconds with children, memory after it."""

    seconds: float
    cpu_seconds: float
    mib: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--before", type=Path)
    arguments = parser.parse_args()
    versions = {"before": arguments.before} if arguments.before else {}
    versions |= {"now": ROOT}
    found: dict[tuple[str, str], list[Start]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for version, place in versions.items():
            # This also reads the files of the version into the cache.
            with running(place, "serve", "--data-dir", Path(folder, version), "--port"):
                pass
        for _ in range(arguments.rounds):
            for version, place in versions.items():
                for kind, start in starts(place, Path(folder, version)):
                    found.setdefault((kind, version), []).append(start)
    _print(found)


def starts(place: Path, data_dir: Path) -> Iterator[tuple[str, Start]]:
    """Start each kind of process once. Args: data_dir: a directory of an earlier start."""
    with (
        tempfile.TemporaryDirectory(dir=data_dir.parent) as empty,
        running(place, "serve", "--data-dir", empty, "--port") as (_, start),
    ):
        yield "serve, empty directory", start
    listening = (place, "worker", "--data-dir", data_dir, "--listen")
    with running(*listening, before="127.0.0.1:") as (_, start):
        yield "worker", start
    with running(place, "serve", "--data-dir", data_dir, "--port") as (address, start):
        yield "serve, directory that is there", start
        yield "ls", ended(place, "ls", "--url", f"{address}/files/")
    yield "--help", ended(place, "--help")


@contextmanager
def running(place: Path, *arguments: object, before: str = "") -> Iterator[tuple[str, Start]]:
    """Start a process that ends with the block; give its address, and what its start took.

    Args: arguments: a free port is put behind the last one, and behind ``before``.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    process = _process(place, *arguments, f"{before}{port}")
    try:
        while not _answers(address):
            if process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise RuntimeError(f"{arguments} did not start")
            # A start is measured as clients see it, and nothing reports that a port answers.
            time.sleep(PAUSE_SECONDS)
        seconds = time.monotonic() - began
        yield address, Start(seconds, _cpu_seconds(process.pid), _mib(process.pid))
    finally:
        process.terminate()
        process.wait()


def ended(place: Path, *arguments: object) -> Start:
    """Run a command to its end."""
    began = time.monotonic()
    process = _process(place, *arguments)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    return Start(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _process(place: Path, *arguments: object) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "TUSD_LOG_LEVEL": "error", "PYTHONPATH": str(place)}
    # Modules are compiled once, as those of an installed package are.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.Popen(
        [sys.executable, "-m", "tusd_py", *map(str, arguments)],
        cwd=place,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=START_SECONDS).status_code == 200
    except httpx.TransportError:
        return False


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / _TICKS


def _mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _print(found: Mapping[tuple[str, str], Sequence[Start]]) -> None:
    table = Table("medians (least to most)", "seconds", "CPU s", "MiB")
    for (kind, version), all_starts in sorted(found.items()):
        figures = [sorted(column) for column in zip(*map(astuple, all_starts), strict=True)]
        table.add_row(
            f"{kind} ({version})",
            *(
                f"{statistics.median(all_):.2f} ({all_[0]:.2f} to {all_[-1]:.2f})"
                for all_ in figures
            ),
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
