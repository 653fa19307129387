"""Run a real server process on its own data directory and port, for tests from outside."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

import httpx
from support.process_set import children
from support.waiting import wait_until
from support.warm_start import PROGRAM, Started, start

from tusd_py.auth.operator_links import OperatorLinks, page_link
from tusd_py.clock import SystemClock

NO_STILLS: Final = {
    "TUSD_MEDIA__VIDEO__POSTER": "false",
    "TUSD_MEDIA__VIDEO__THUMBNAIL_WIDTH": "0",
}
"""Tests that are about something else need no pictures of their films, which take half of the work.
"""
STILLS: Final = {
    "TUSD_MEDIA__VIDEO__POSTER": "true",
    "TUSD_MEDIA__VIDEO__THUMBNAIL_WIDTH": "320",
}
START_SECONDS: Final = 120.0
_ADDRESS: Final = re.compile(r"^upload to\s+(http://\S+?)(/[\w./~-]*/)$")


class Server:
    """Runs ``tusd-py serve`` as a child process.

    ``url`` has no trailing slash, ``files`` has one.
    """

    def __init__(
        self,
        data_dir: Path,
        *flags: str,
        env: Mapping[str, str] | None = None,
        port: int = 0,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.data_dir = data_dir
        self.flags = flags
        self.env = dict(env or {})
        self.port = port
        self.program = program
        self.lines: list[str] = []
        self.url = ""
        self.files = ""
        self._process: Started | None = None
        self._reader: threading.Thread | None = None
        self._kept_port: int | None = None
        """Descriptor of a socket that keeps the port between two starts."""

    def __del__(self) -> None:
        if self._kept_port is not None:
            os.close(self._kept_port)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "Server":
        """Start it and wait until it prints its address; a restart keeps the port."""
        self.lines.clear()
        listening = threading.Event()
        printed, output = os.pipe()
        try:
            self._process = self._started(output)
        finally:
            os.close(output)
        self._reader = threading.Thread(
            target=self._read, args=(os.fdopen(printed), listening), daemon=True
        )
        self._reader.start()
        if not listening.wait(START_SECONDS):
            self.kill()
            raise AssertionError("the server did not start:\n" + "\n".join(self.lines))
        return self

    def _started(self, output: int) -> Started:
        line = ("serve", "--data-dir", str(self.data_dir), "--port", str(self.port), *self.flags)
        env = {**os.environ, "TUSD_LOG_LEVEL": "warning", **NO_STILLS, **self.env}
        if self.program == PROGRAM:
            return start(*line, env=env, output=output, errors=output)
        return subprocess.Popen([*self.program, *line], env=env, stdout=output, stderr=output)

    def _read(self, printed: TextIO, listening: threading.Event) -> None:
        with printed:
            for line in printed:
                self.lines.append(line.rstrip("\n"))
                if match := _ADDRESS.match(self.lines[-1]):
                    self.url, self.files = match[1], match[1] + match[2]
                    self.port = int(self.url.rpartition(":")[2])
                    listening.set()

    @property
    def operator_link(self) -> str:
        """Return the one-time link that it printed; '' if it needs a token."""
        line = next((line for line in self.lines if line.startswith("operator ")), "")
        return (line.split() + [""] * 2)[1]

    @contextmanager
    def operator(self) -> Iterator[httpx.Client]:
        """Return an operator's browser, signed in by a new link."""
        key = OperatorLinks(self.data_dir, SystemClock()).new_key()
        with httpx.Client(base_url=self.url, follow_redirects=True) as browser:
            browser.get(page_link(self.url, key)).raise_for_status()
            yield browser

    def kill(self) -> None:
        """Send SIGKILL to all its processes, and nothing else."""
        self.signal_all(signal.SIGKILL)
        self._end(signal.SIGKILL)

    def kill_parent(self) -> None:
        """Send SIGKILL to the process that has started the others, and nothing else."""
        self._end(signal.SIGKILL)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to all its processes; none of them is replaced meanwhile."""
        if self._process is None or self._process.poll() is not None:
            return
        pids = [self.pid]
        if children(self):
            os.kill(self.pid, signal.SIGSTOP)
            # They get it before the parent could see their end.
            pids = [*children(self), self.pid]
        for pid in pids:
            os.kill(pid, number)

    def stop(self) -> int:
        """Send SIGTERM, as a deployment does, and return the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        if self._reader is not None:
            self._reader.join(10)
        self._keep_port()
        return code

    def _keep_port(self) -> None:
        """Keep the port until the next start: the kernel gives it to no socket that wants any port.

        The socket does not listen: connections are refused, and another server may listen there.
        """
        if self._kept_port is not None or not self.port:
            return
        with socket.socket() as kept:
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # One of several processes may not have ended yet.
            with suppress(OSError):
                kept.bind(("127.0.0.1", self.port))
                self._kept_port = os.dup(kept.fileno())

    def wait_for_line(self, *words: str) -> str:
        """Wait until it has printed a line that has all these words, and return the line."""
        return wait_until(
            lambda: next((line for line in self.lines if all(word in line for word in words)), None)
        )

    def rss_bytes(self) -> int:
        """Return the peak of the resident memory so far (VmHWM), the sum of all its processes."""
        return sum(_rss_bytes(pid) for pid in [self.pid, *children(self)])

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used, user and system; a worker within it is a part.

        Processes that have ended have no part.
        """
        return sum(_cpu_seconds(pid) for pid in [self.pid, *children(self)])

    def file_of(self, url: str) -> Path:
        """Return the file that has the bytes of the upload at an address."""
        upload = url.rpartition("/")[2]
        return self.data_dir / "uploads" / upload[:2] / upload

    def progress(self, task_id: str) -> dict[str, object]:
        """Return the task as the progress endpoint shows it; {} when it answers 404."""
        response = httpx.get(f"{self.url}/api/file/upload/progress/{task_id}")
        if response.status_code == 404:
            return {}
        response.raise_for_status()
        found: dict[str, object] = response.json()
        return found

    def wait_for_status(
        self, task_id: str, *statuses: str, timeout: float = 60.0
    ) -> dict[str, object]:
        """Poll until the task has one of the statuses."""
        return self._wait_for(task_id, "status", statuses, timeout)

    def wait_for_message(
        self, task_id: str, message: str, timeout: float = 60.0
    ) -> dict[str, object]:
        """Poll until the task has this message."""
        return self._wait_for(task_id, "message", (message,), timeout)

    def _wait_for(
        self, task_id: str, field: str, values: Sequence[str], timeout: float
    ) -> dict[str, object]:
        deadline = time.monotonic() + timeout
        seen: dict[str, object] = {}
        while time.monotonic() < deadline:
            seen = self.progress(task_id)
            if seen.get(field) in values:
                return seen
            threading.Event().wait(0.05)
        raise AssertionError(f"task {task_id} is {seen}, not {values}\n" + "\n".join(self.lines))


def _rss_bytes(pid: int) -> int:
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match
    return int(match[1]) * 1024


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running_server(
    data_dir: Path, *flags: str, env: Mapping[str, str] | None = None, **how: Any
) -> Iterator[Server]:
    """Run a server for the length of a block and stop it with SIGTERM."""
    server = Server(data_dir, *flags, env=env, **how).start()
    try:
        yield server
    finally:
        server.stop()
