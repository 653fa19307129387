"""Run the topology that ``deploy/local`` brings up."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

from topology import mariadb
from topology.local import Entry, status
from topology.program import free_port

_LOCAL: Final = str(Path(__file__).parents[2] / "deploy" / "local")


class Deployed:
    """Two servers and three workers in their own directory; each may be killed by itself."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = ""
        self.tls_url = ""
        self.printed = ""

    @property
    def files(self) -> str:
        """Return the address where nginx takes uploads."""
        return f"{self.url}/files/"

    @property
    def data_dir(self) -> Path:
        """Return the servers' directory."""
        return self.directory / "data"

    def start(self, **settings: str) -> None:
        """Run ``up`` for the first time without authentication: most tests need none."""
        chosen = [f"--set={name}={value}" for name, value in settings.items()]
        self.up("--servers=2", "--workers=3", f"--port={self.port}", "--anonymous", *chosen)
        self.url, self.tls_url = self.entry("nginx")["urls"]

    def up(self, *options: str) -> str:
        """Run ``up`` and return what it printed last; ``printed`` has all of it."""
        self.printed = self._local("up", *options)
        return self.printed.strip().splitlines()[-1]

    def down(self, *options: str) -> None:
        """Stop all."""
        self._local("down", *options)

    def _local(self, command: str, *options: str, fails: bool = False) -> str:
        done = subprocess.run(
            [_LOCAL, command, "--dir", str(self.directory), *options],
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refusal(self, command: str, *options: str) -> str:
        """Run a command that must fail, and return its message."""
        return self._local(command, *options, fails=True)

    def status_by_command(self) -> list[dict[str, Any]]:
        """Return ``status --json``, whatever its exit code."""
        done = subprocess.run(
            [_LOCAL, "status", "--json", "--dir", str(self.directory)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        found: list[dict[str, Any]] = json.loads(done.stdout)
        assert (done.returncode == 0) is all(entry["alive"] for entry in found)
        return found

    def printed_status(self) -> str:
        """Return what ``status`` prints."""
        return self._local("status")

    def status(self) -> list[Entry]:
        """Return the same as ``status_by_command`` without another process."""
        return status(self.directory)

    def entry(self, name: str) -> Entry:
        """Return the entry of one program."""
        return next(entry for entry in self.status() if entry["name"] == name)

    def names(self, role: str) -> list[str]:
        """Return the names of the programs of a role."""
        return [entry["name"] for entry in self.status() if entry["role"] == role]

    def kill(self, name: str) -> None:
        """Send SIGKILL to a program and to what it started."""
        os.killpg(self.entry(name)["pid"], signal.SIGKILL)

    def sql(self, statement: str) -> list[tuple[str, ...]]:
        """Return rows of the catalog."""
        rows = mariadb.execute(self.directory / "mysql", f"USE tusd; {statement}")
        return [tuple(line.split("\t")) for line in rows.splitlines()]

    def busy_worker(self) -> str:
        """Return a worker that has a job, if one has."""
        owners = self.sql("SELECT owner FROM jobs WHERE state = 'running'")
        pids = {int(owner.split(":")[1]) for (owner,) in owners}
        workers = [entry for entry in self.status() if entry["role"] == "worker"]
        busy = [entry["name"] for entry in workers if entry["pid"] in pids]
        return (busy or [entry["name"] for entry in workers])[0]

    def source(self, task_id: str) -> Path:
        """Return the path of the bytes of an unfinished upload."""
        return self.data_dir / "uploads" / task_id[:2] / task_id

    def holder(self, task_id: str) -> str | None:
        """Return the server that has an upload's bytes open."""
        source = self.source(task_id)
        for entry in self.status():
            if entry["role"] == "server" and entry["alive"] and _has_open(entry["pid"], source):
                return entry["name"]
        return None


def _has_open(pid: int, path: Path) -> bool:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if descriptor.readlink() == path:
                return True
        except FileNotFoundError:
            continue
    return False
