"""The processes of a server that was started with ``--processes``."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from support.metrics import metrics
from support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

    from support.server import Server

_CHILD: Final = b"tusd_py.processes.child"


def children(server: "Server | subprocess.Popen[bytes]") -> list[int]:
    """Return the processes that the parent has started and that live, in the order of starting.

    A server without ``--processes`` has none. With ``--workers 0`` all of them serve the port.
    """
    found = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(pid) for pid in found.split() if lives(int(pid)) and _is_child(int(pid))]


def _is_child(pid: int) -> bool:
    try:
        return _CHILD in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def lives(pid: int) -> bool:
    """Return whether a process runs; one whose end its parent has not seen does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def stop(pid: int) -> None:
    """Send SIGSTOP to a process and wait until all its threads stand still.

    One thread takes the signal for all. Until the machine runs it, the others may accept a
    connection, which nothing answers then.
    """
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(state == "T" for state in _states_of_threads(pid)))


def _states_of_threads(pid: int) -> list[str]:
    states = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            states.append((thread / "stat").read_text().rpartition(")")[2].split()[0])
    return states


def wait_until_replaced(server: "Server", gone: int, count: int) -> None:
    """Wait until ``count`` processes serve, without one that has ended."""
    wait_until(lambda: gone not in children(server) and serving(server) == count)


def serving(server: "Server") -> int:
    """Return the number of processes that the metrics show as alive."""
    return int(metrics(server.url)["tusd_process_up"])
