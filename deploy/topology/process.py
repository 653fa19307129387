"""Starts and ends processes that outlive the process that started them.

Rule 1: a process is identified by its pid and its start time: a pid that another process has got in
the meantime is never signalled.
Rule 2: each process has its own session; processes that a killed one leaves in it are ended too.
"""

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from topology.program import Program

_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Identifies a program that was started."""

    pid: int
    started: int
    """Start time in clock ticks after the machine's start, as the kernel has it."""
    log_at: int
    """Length of its log in bytes before its first output."""


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    session: int
    started: int


def launch(program: Program, log: Path) -> Process:
    """Start a program in its own session; its output is appended to ``log``.

    Raises: OSError: the program, or its directory, does not exist.
    """
    program.write_files()
    with log.open("ab") as output:
        log_at = output.tell()
        started = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=program.environment,
            cwd=program.directory,
            start_new_session=True,
        )
    # The child is not awaited: it continues after this process.
    started.returncode = 0
    stat = _stat(started.pid)
    return Process(pid=started.pid, started=stat.started if stat else 0, log_at=log_at)


def is_alive(process: Process) -> bool:
    """Return whether this process runs; a zombie does not."""
    stat = _stat(process.pid)
    return stat is not None and stat.started == process.started and stat.state not in "ZX"


def interrupt(process: Process) -> None:
    """Send a process SIGTERM."""
    with _opened(process) as descriptor:
        if descriptor is not None:
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)


def end(process: Process, *, patience: float) -> None:
    """Wait ``patience`` seconds for a process, then kill it and the rest of its session."""
    with _opened(process) as descriptor:
        if descriptor is not None:
            select.select([descriptor], [], [], patience)
    for each in (process, *_left_of(process)):
        _kill(each)


def _kill(process: Process) -> None:
    with _opened(process) as descriptor:
        if descriptor is not None:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            select.select([descriptor], [], [])


@contextmanager
def _opened(process: Process) -> Iterator[int | None]:
    """Yield a descriptor of this process, or None if it does not run.

    The process is checked after opening, so that the descriptor can't be of another process.
    """
    descriptor: int | None = None
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor if is_alive(process) else None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _left_of(process: Process) -> Iterator[Process]:
    """Yield the processes that a process has left in its session.

    While they run, no other session gets its number, and they started after it.
    """
    leader = _stat(process.pid)
    if leader is not None and leader.started != process.started:
        return
    for entry in _PROC.iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdecimal() else None
        if stat is not None and stat.session == process.pid and stat.started >= process.started:
            yield Process(pid=int(entry.name), started=stat.started, log_at=0)


def _stat(pid: int) -> _Stat | None:
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in brackets may contain any characters; plain fields follow, from the third on.
    fields = text.rpartition(")")[2].split()
    return _Stat(state=fields[0], session=int(fields[3]), started=int(fields[19]))
