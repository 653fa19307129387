"""Processes that a topology started, and other processes that have the same numbers."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.waiting import wait_until
from topology.process import Process, end, interrupt, is_alive, launch
from topology.program import Program


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Process]:
    process = launched(tmp_path, "exec sleep 600")
    yield process
    end(process, patience=0)
    os.waitpid(process.pid, 0)


def launched(folder: Path, script: str) -> Process:
    program = Program(
        command=("sh", "-c", script),
        directory=folder,
        environment=os.environ,
        files={"secret": "s"},
        ready=lambda _pid, _output: True,
    )
    return launch(program, folder / "log")


def test_a_process_is_alive_until_it_gets_the_signal_to_end(tmp_path: Path) -> None:
    process = launched(tmp_path, "exec sleep 600")
    assert is_alive(process)
    interrupt(process)
    end(process, patience=30)
    assert not is_alive(process)
    assert os.waitpid(process.pid, 0)[1] == signal.SIGTERM
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_pid_of_another_program_is_never_signalled(started: Process) -> None:
    before_it = replace(started, started=started.started - 1)
    assert not is_alive(before_it)
    interrupt(before_it)
    end(before_it, patience=0)
    assert is_alive(started)


def test_who_does_not_end_is_killed(tmp_path: Path) -> None:
    process = launched(tmp_path, "trap '' TERM; echo deaf; while true; do sleep 600; done")
    wait_until(lambda: (tmp_path / "log").read_text() == "deaf\n")
    interrupt(process)
    end(process, patience=0.1)
    assert os.waitpid(process.pid, 0)[1] == signal.SIGKILL


def test_what_a_killed_process_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    process = launched(tmp_path, "sleep 600 & echo $!; exec sleep 600")
    wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"))
    child = int((tmp_path / "log").read_text())
    os.kill(process.pid, signal.SIGKILL)
    os.waitpid(process.pid, 0)
    assert runs(child)
    end(process, patience=0)
    assert not runs(child)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
