"""Running a program in its box: watched, stoppable, and never left behind."""

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tusd_py.clock import Clock

log = logging.getLogger(__name__)

TERM_SECONDS: Final = 5.0
"""Between the polite end and kill -9."""
POLL_SECONDS: Final = 0.1
_STDERR_BYTES: Final = 8192


class Stopped(Exception):
    """Raised when the program was ended because ``stopped()`` said so."""


class Stalled(Exception):
    """Raised when the program was ended because it ran for too long or stood still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended; ``stderr`` (its last 8 KiB) is for the log only (the seed's hole 8)."""

    code: int
    stdout: str
    stderr: str


def run(
    argv: list[str],
    *,
    clock: Clock,
    stopped: Callable[[], bool],
    wall_seconds: float,
    stall_seconds: float | None = None,
    on_line: Callable[[str], bool] | None = None,
) -> Ran:
    """Run a command line to its end.

    Args: on_line: told each line of stdout; returns whether it shows that the program moves on.
        stall_seconds: longest time without such a line.
    Raises: Stopped, Stalled: the whole process group was ended first; OSError: it can't start.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        start_new_session=True,
        close_fds=True,
    )
    watch = _Watch(process, clock, on_line)
    started = clock.monotonic()
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
                break
            if stopped():
                raise Stopped
            now = clock.monotonic()
            if now - started > wall_seconds:
                raise Stalled
            if stall_seconds is not None and now - watch.moved_at > stall_seconds:
                raise Stalled
    finally:
        end_group(process)
        watch.join()
    return Ran(code=process.returncode, stdout="".join(watch.stdout), stderr=watch.stderr)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """TERM, a few seconds, KILL: to the process and all its children."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(TERM_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Watch:
    """Reads what a program says, so that it never waits for us."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        clock: Clock,
        on_line: Callable[[str], bool] | None,
    ) -> None:
        self._process = process
        self._clock = clock
        self._on_line = on_line
        self.stdout: list[str] = []
        self.stderr = ""
        self.moved_at = clock.monotonic()
        self._threads = [
            threading.Thread(target=self._read_stdout, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_stdout(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace")
                if self._on_line is None:
                    self.stdout.append(line)
                elif self._on_line(line):
                    self.moved_at = self._clock.monotonic()

    def _read_stderr(self) -> None:
        stream = self._process.stderr
        if stream is None:
            return
        tail = b""
        with stream:
            while piece := stream.read(4096):
                tail = (tail + piece)[-_STDERR_BYTES:]
        self.stderr = tail.decode("utf-8", "replace")

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
