"""Runs a program with limits, and ends it with all its children.

The output of a program may come from a hostile file: all that is read from it has a limit, and a
program that exceeds one is ended.
"""

import logging
import math
import os
import re
import selectors
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tusd_py.clock import Clock
from tusd_py.worker.media.usage import usage_of

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.1
READ_BYTES: Final = 1 << 16
MAX_LINE_BYTES: Final = 4096
MAX_FILES: Final = 8
"""Most files in a program's folder, unless its bounds differ: an empty file takes an inode, too."""
MAX_THREADS: Final = 64 + 4 * (os.cpu_count() or 1)
"""Most threads of one program and its children: ffmpeg has a few for each core."""
_STDERR_BYTES: Final = 4096
"""Bytes that are kept of the start of stderr, and of its end.

At the start a program explains why it can't begin.
"""
_ERROR: Final = re.compile(rb"\[(?:error|fatal|panic)\]")
_REPEATED: Final = re.compile(rb"^ +Last message repeated ([0-9]{1,9}) times$")


class Stopped(Exception):
    """Raised when the program was ended because ``stopped()`` returned True."""


class LimitExceeded(Exception):
    """Raised when the program was ended because it exceeded a limit; the text names which."""


class Stalled(LimitExceeded):
    """Raised when the program was ended because it ran for too long or made no progress."""


class CpuTimeExceeded(LimitExceeded):
    """Raised when the program was ended because it used up its processor time."""


class TooMuchOutput(LimitExceeded):
    """Raised when the program was ended because it wrote too much to a pipe or into its folder."""


class TooManyThreads(LimitExceeded):
    """Raised when the program was ended because it had too many threads or children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Holds the limits at which a program is ended. Sizes in bytes."""

    stdout: int = 1 << 20
    stderr: int = 16 << 20
    cpu: float | None = None
    """Seconds of processor time of the program and its children together."""
    threads: int = MAX_THREADS
    folder: Path | None = None
    """Folder of the program's files, which together take at most ``folder_size`` on the disk."""
    folder_size: int = 0
    files: int = MAX_FILES
    """Most files in ``folder``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """Describes how a program ended."""

    code: int
    stdout: str
    stderr: str
    """First and last 4 KiB, for the log and for finding the cause, never for users (hole 8)."""
    errors: int
    """Number of messages of the levels error, fatal and panic in all of stderr.

    They are found by the marks that ffmpeg writes with ``-v level+error``. Messages that it
    shortened to "repeated" count one by one.
    """
    cpu: float = 0.0
    """Seconds of processor time of the program and its children at the last check."""


def run(
    argv: list[str],
    *,
    clock: Clock,
    stopped: Callable[[], bool],
    wall_seconds: float | None,
    stall_seconds: float | None = None,
    on_line: Callable[[str], bool] | None = None,
    bounds: Bounds | None = None,
) -> ProcessResult:
    """Run a command line to its end.

    Args: wall_seconds: longest time that it may take; None is no limit. on_line: called with each
        line of stdout, which is then not kept; returns whether the line shows progress.
        stall_seconds: longest time without such a line.
    Raises: Stopped, LimitExceeded: the whole process group was ended first; OSError: it can't
        start.
    """
    limits = bounds or Bounds()
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        start_new_session=True,
        close_fds=True,
    )
    pipes = _Pipes(process, limits, on_line, clock)
    watch = _Watch(process.pid, limits, clock)
    try:
        while True:
            pipes.read(POLL_SECONDS)
            if process.poll() is not None:
                break
            if stopped():
                raise Stopped
            now = clock.monotonic()
            if wall_seconds is not None and now - watch.started_at > wall_seconds:
                raise Stalled("time")
            if stall_seconds is not None and now - pipes.moved_at > stall_seconds:
                raise Stalled("progress")
            watch.check(now)
        pipes.drain()
    finally:
        end_group(process)
        pipes.close()
    return ProcessResult(
        code=process.returncode,
        stdout=pipes.stdout,
        stderr=pipes.stderr,
        errors=pipes.errors,
        cpu=watch.cpu,
    )


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and all its children.

    SIGTERM is not used: the output of a stopped program is discarded, and ffmpeg would first
    complete its output.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Watch:
    """Checks ten times a second what the program and its children use."""

    def __init__(self, pid: int, limits: Bounds, clock: Clock) -> None:
        self._pid = pid
        self._limits = limits
        self.cpu = 0.0
        self.started_at = self._looked_at = clock.monotonic()

    def check(self, now: float) -> None:
        """Check the limits. Raises: CpuTimeExceeded, TooManyThreads, TooMuchOutput."""
        if now - self._looked_at < POLL_SECONDS:
            return
        self._looked_at = now
        limits = self._limits
        used = usage_of(self._pid, most=limits.threads)
        self.cpu = max(self.cpu, used.cpu)
        if used.threads > limits.threads:
            raise TooManyThreads("threads")
        if limits.cpu is not None and used.cpu > limits.cpu:
            raise CpuTimeExceeded("processor time")
        if (
            limits.folder is not None
            and _bytes_in(limits.folder, limits.files) > limits.folder_size
        ):
            raise TooMuchOutput("disk")


def _bytes_in(folder: Path, most: int) -> float:
    """Return the bytes that the files in a folder take on the disk; no link is followed.

    Returns: infinity if the folder holds a folder, or more than ``most`` files.
    """
    total = 0.0
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= most or entry.is_dir(follow_symlinks=False):
                return math.inf
            total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


class ErrorLines:
    """Counts ffmpeg's error messages in pieces of stderr. It keeps at most one line in memory."""

    def __init__(self) -> None:
        self._count = 0
        self._line = b""

    def add(self, piece: bytes) -> None:
        """Take the next bytes of stderr, which may end anywhere in a line."""
        *lines, rest = (self._line + piece).split(b"\n")
        # The mark stands near the start of a line; a longer line is text of a hostile file.
        self._line = rest[:MAX_LINE_BYTES]
        for line in lines:
            self._count += _messages_in(line)

    def count(self) -> int:
        """Return the number of messages so far, the last line included even if it has no end."""
        return self._count + _messages_in(self._line)


def _messages_in(line: bytes) -> int:
    repeated = _REPEATED.match(line)
    if repeated is not None:
        return int(repeated[1])
    return 1 if _ERROR.search(line) else 0


class _Pipes:
    """Reads both pipes of a program without waiting for their end.

    A child that outlives the program may hold them open.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        limits: Bounds,
        on_line: Callable[[str], bool] | None,
        clock: Clock,
    ) -> None:
        self._process = process
        self._limits = limits
        self._on_line = on_line
        self._clock = clock
        self._out = bytearray()
        self._line = b""
        self._err = b""
        self._err_end = b""
        self._error_lines = ErrorLines()
        self._counts = {"stdout": 0, "stderr": 0}
        self.moved_at = clock.monotonic()
        self._selector = selectors.DefaultSelector()
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                self._selector.register(stream, selectors.EVENT_READ, name)

    @property
    def stdout(self) -> str:
        """All of stdout; empty if its lines went to ``on_line``."""
        return self._out.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """The first and the last 4 KiB of stderr."""
        return (self._err + self._err_end).decode("utf-8", "replace")

    @property
    def errors(self) -> int:
        """The number of error messages in all of stderr."""
        return self._error_lines.count()

    def read(self, seconds: float) -> bool:
        """Read what is there, or wait at most ``seconds`` for data.

        Returns: whether there was data. Raises: TooMuchOutput.
        """
        if not self._selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return False
        ready = self._selector.select(seconds)
        for key, _ in ready:
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]
            try:
                piece = os.read(stream.fileno(), READ_BYTES)
            except BlockingIOError:
                continue
            if piece:
                self._take(key.data, piece)
            else:
                self._selector.unregister(stream)
        return bool(ready)

    def drain(self) -> None:
        """Read the rest that an ended program left in its pipes. Raises: TooMuchOutput."""
        while self._selector.get_map() and self.read(0.0):
            pass
        if self._line and self._on_line is not None:
            self._on_line(self._line.decode("utf-8", "replace"))

    def _take(self, name: str, piece: bytes) -> None:
        self._counts[name] += len(piece)
        limit = self._limits.stdout if name == "stdout" else self._limits.stderr
        if self._counts[name] > limit:
            raise TooMuchOutput(name)
        if name == "stderr":
            self._error_lines.add(piece)
            room = _STDERR_BYTES - len(self._err)
            self._err += piece[:room]
            self._err_end = (self._err_end + piece[room:])[-_STDERR_BYTES:]
        elif self._on_line is None:
            self._out += piece
        else:
            self._take_lines(piece, self._on_line)

    def _take_lines(self, piece: bytes, on_line: Callable[[str], bool]) -> None:
        *lines, self._line = (self._line + piece).split(b"\n")
        if len(self._line) > MAX_LINE_BYTES:
            raise TooMuchOutput("line")
        for line in lines:
            if on_line(line.decode("utf-8", "replace")):
                self.moved_at = self._clock.monotonic()

    def close(self) -> None:
        """Close both pipes on this side, even if another process holds them open."""
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
