"""Processes that outlive whoever started them.

Rule 1: a process is known by its pid and the time it started: a pid that was given to somebody else
in the meantime is not ours, and is never signalled.
Rule 2: each has a session of its own; what a killed one leaves behind in it is ended with it.
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
    """A program that was started."""

    pid: int
    started: int
    """Clock ticks after the machine's start, as the kernel has it."""
    log_at: int
    """Length of its log in bytes before it wrote anything."""


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    session: int
    started: int


def launch(program: Program, log: Path) -> Process:
    """Start a program in a session of its own; its output is appended to ``log``.

    Raises: OSError: it, or its directory, is not there.
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
    # Nobody's child to be waited for: it lives on after this process.
    started.returncode = 0
    stat = _stat(started.pid)
    return Process(pid=started.pid, started=stat.started if stat else 0, log_at=log_at)


def is_alive(process: Process) -> bool:
    """Whether this very process runs. One that ended and was not waited for does not."""
    stat = _stat(process.pid)
    return stat is not None and stat.started == process.started and stat.state not in "ZX"


def interrupt(process: Process) -> None:
    """Ask it to end (SIGTERM)."""
    with _opened(process) as descriptor:
        if descriptor is not None:
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)


def end(process: Process, *, patience: float) -> None:
    """Wait ``patience`` seconds for it to end, then kill it and what is left of its session."""
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
    """A descriptor of this very process, or None when it runs no longer: looked at after opening,
    so that nobody else can be meant."""
    descriptor: int | None = None
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor if is_alive(process) else None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _left_of(process: Process) -> Iterator[Process]:
    """What one that ended left in its session.

    The kernel gives its number to nobody while they live, and they started after it.
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
    # The name in brackets may hold anything; what follows it are plain fields, from the third on.
    fields = text.rpartition(")")[2].split()
    return _Stat(state=fields[0], session=int(fields[3]), started=int(fields[19]))
