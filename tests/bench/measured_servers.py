"""The servers that are compared: how each is started, and what it has cost."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from support.waiting import wait_until
from topology.program import free_port

PEERS: Final = Path(__file__).parent / "peers"
START_SECONDS: Final = 30.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Command:
    """``argv`` and environment of a server, for a port and an empty directory.

    ``needs`` is a file that exists once the server is installed.
    """

    argv: Callable[[int, Path], list[str]]
    needs: Path
    env: Callable[[Path], Mapping[str, str]] = field(default=lambda _: {})


def _ours(durability: str) -> Command:
    return Command(
        lambda port, folder: [
            sys.executable, "-m", "tusd_py", "serve", "--workers", "0", "--max-size", "0",
            "--durability", durability, "--port", str(port), "--data-dir", str(folder),
        ],
        Path(sys.executable),
        lambda _: {"TUSD_LOG_LEVEL": "warning"},
    )  # fmt: skip


SERVERS: Final[Mapping[str, Command]] = {
    "tusd-py, durability off": _ours("off"),
    "tusd-py": _ours("finish"),
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


class Running:
    """A server that answers."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
        self._process = process
        self.port = port
        self.folder = folder

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the CPU time so far, user and system, of the process and its children."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(value) for value in fields[11:15]) / _TICKS

    def peak_mib(self) -> float:
        """Return the most resident memory so far."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmHWM")


@contextmanager
def running(name: str, place: Path | None) -> Iterator[Running]:
    """Run the server on an empty directory below ``place``; nothing of it is left afterwards."""
    command = SERVERS[name]
    folder = Path(tempfile.mkdtemp(prefix="tusd-bench-", dir=place))
    port = free_port()
    data = folder / "data"
    data.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command.argv(port, data),
            env={**os.environ, **command.env(data)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(process, port, folder / "log")
            yield Running(process, port, data)
        finally:
            process.kill()
            process.wait()
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
