"""The lock of a data directory: who holds it, and who waits for it."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tusd_py.domain.errors import BackendError
from tusd_py.locks.data_dir import exclusive

HOLD: str = """
import os, subprocess, sys
from pathlib import Path
from tusd_py.locks.data_dir import exclusive
with exclusive(Path(sys.argv[1])) as descriptor:
    child = subprocess.Popen(["cat"], stdin=0, stdout=subprocess.DEVNULL, pass_fds=[descriptor])
    print(child.pid, flush=True)
    if sys.argv[2] == "die":
        os._exit(0)
    child.wait()
"""
"""Holds a directory in a child too, which ends with its standard input."""


def holder(folder: Path, how: str) -> "subprocess.Popen[bytes]":
    """Start a process that holds the directory, and wait until it does."""
    started = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert started.stdout is not None
    assert started.stdout.readline()
    return started


def test_a_directory_that_a_living_server_holds_is_refused_at_once(tmp_path: Path) -> None:
    started = holder(tmp_path, "live")
    try:
        with pytest.raises(BackendError) as refused, exclusive(tmp_path):
            pass
        assert str(tmp_path) in refused.value.reason
    finally:
        started.communicate()


def test_a_server_waits_for_the_processes_that_a_dead_one_has_left(tmp_path: Path) -> None:
    started = holder(tmp_path, "die")
    assert started.wait() == 0
    held = threading.Event()

    def hold() -> None:
        with exclusive(tmp_path):
            held.set()

    waiting = threading.Thread(target=hold)
    waiting.start()
    assert not held.wait(0.3)
    # The child reads the end of its standard input.
    started.communicate()
    waiting.join()
    assert held.is_set()
    assert int((tmp_path / "server.lock").read_text()) == os.getpid()
