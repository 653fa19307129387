"""The servers that are compared: how each is started, and what it has cost."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from machine import TICKS
from support.process_set import lives
from support.waiting import wait_until
from topology.program import free_port

PEERS: Final = Path(__file__).parent / "peers"
START_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Command:
    """``argv`` and environment of a server, for a port and an empty directory.

    ``needs`` is a file that exists once the server is installed.
    """

    argv: Callable[[int, Path], list[str]]
    needs: Path
    env: Callable[[Path], Mapping[str, str]] = field(default=lambda _: {})


def _ours(durability: str, processes: int = 1) -> Command:
    return Command(
        lambda port, folder: [
            sys.executable, "-m", "tusd_py", "serve", "--workers", "0", "--max-size", "0",
            "--durability", durability, "--processes", str(processes),
            "--port", str(port), "--data-dir", str(folder),
        ],
        Path(sys.executable),
        lambda _: {"TUSD_LOG_LEVEL": "warning"},
    )  # fmt: skip


OURS: Final[Mapping[str, str]] = {"tusd-py, durability off": "off", "tusd-py": "finish"}
"""Our servers of one process, and their durability."""

SERVERS: Final[Mapping[str, Command]] = {
    **{name: _ours(durability) for name, durability in OURS.items()},
    "tusd": Command(
        lambda port, folder: [
            str(PEERS / "bin/tusd"), "-host", "127.0.0.1", "-port", str(port),
            "-upload-dir", str(folder),
        ],
        PEERS / "bin/tusd",
    ),
    "@tus/server": Command(
        lambda port, folder: ["node", str(PEERS / "node/server.mjs"), str(port), str(folder)],
        PEERS / "node/node_modules",
    ),
    "tuspyserver": Command(
        lambda port, _: [
            str(PEERS / "python/.venv/bin/uvicorn"), "app:app", "--app-dir", str(PEERS / "python"),
            "--port", str(port), "--log-level", "warning", "--no-access-log",
        ],
        PEERS / "python/.venv/bin/uvicorn",
        lambda folder: {"DIRECTORY": str(folder)},
    ),
    "rustus": Command(
        lambda port, folder: [
            str(PEERS / "bin/rustus"), "--host", "127.0.0.1", "--port", str(port),
            "--data-dir", str(folder), "--info-dir", str(folder), "--max-body-size", "10737418240",
        ],
        PEERS / "bin/rustus",
    ),
}  # fmt: skip


def variants(names: Sequence[str], processes: Sequence[int]) -> dict[str, Command]:
    """Return the servers of these names; ours once for each number of processes, 0 for all cores.

    The peers run as they come: tusd and rustus use all cores, the others one process.
    """
    found: dict[str, Command] = {}
    for name in names:
        if name not in OURS:
            found[name] = SERVERS[name]
            continue
        for number in processes:
            of = {0: ", all cores", 1: ""}.get(number, f", {number} processes")
            found[name + of] = _ours(OURS[name], number)
    return found


class Running:
    """A server that answers."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
        self._process = process
        self.port = port
        self.folder = folder
        self.start_seconds = 0.0
        """From its start to its first answer."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        """Return its process and all below it."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(stat.parent.name))
        found = [self._process.pid]
        for process in found:  # which grows
            found += children.get(process, ())
        return found

    def cpu_seconds(self) -> float:
        """Return the CPU time so far, user and system, of all its processes, also of ended ones."""
        return (
            sum(
                int(value)
                for stat in self._read("stat")
                for value in stat.rpartition(")")[2].split()[11:15]
            )
            / TICKS
        )

    def peaks_mib(self) -> list[float]:
        """Return the most resident memory of each of its processes so far."""
        return [
            int(line.split()[1]) / 1024
            for status in self._read("status")
            for line in status.splitlines()
            if line.startswith("VmHWM:")
        ]

    def _read(self, file: str) -> Iterator[str]:
        for process in self.processes():
            with suppress(OSError):  # it has ended
                yield Path(f"/proc/{process}/{file}").read_text()

    def end(self) -> None:
        """Kill it, and then what its death has left."""
        below = self.processes()[1:]
        self._process.kill()
        self._process.wait()
        for process in below:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait_until(lambda: not any(lives(process) for process in below))


@contextmanager
def running(server: str | Command, place: Path | None) -> Iterator[Running]:
    """Run the server on an empty directory below ``place``; nothing of it is left afterwards."""
    command = SERVERS[server] if isinstance(server, str) else server
    folder = Path(tempfile.mkdtemp(prefix="tusd-bench-", dir=place))
    port = free_port()
    data = folder / "data"
    data.mkdir()
    with (folder / "log").open("wb") as log:
        begun = time.monotonic()
        process = subprocess.Popen(
            command.argv(port, data),
            env={**os.environ, **command.env(data)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        started = Running(process, port, data)
        try:
            _wait_for(process, port, folder / "log")
            started.start_seconds = time.monotonic() - begun
            yield started
        finally:
            started.end()
            shutil.rmtree(folder)


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"it did not start: {log.read_text(errors='replace')[-500:]}")
        try:
            httpx.options(f"http://127.0.0.1:{port}/files/", timeout=1)
        except httpx.TransportError:
            return False
        return True

    wait_until(answers, timeout=START_SECONDS)
