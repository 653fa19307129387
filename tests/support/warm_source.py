"""The process that ``warm_start`` forks: it imports what a server and its worker need.

An order has arguments, environment and directory, and comes with three descriptors: for the output,
for the errors, and a pipe to which the pid and the exit code are reported.
"""

import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from tusd_py.__main__ import main
from tusd_py.garbage import collect_rarely

IMPORTED: Final = (
    "tusd_py.cli.serve", "tusd_py.cli.worker", "tusd_py.server", "tusd_py.worker.app",
    "tusd_py.ingest.uvicorn_protocol", "tusd_py.ingest.websocket_protocol",
    "uvicorn.protocols.websockets.websockets_sansio_impl", "uvicorn.loops.uvloop",
    "tusd_py.catalog.sql_catalog", "tusd_py.storage.disk", "tusd_py.objects.local",
    "tusd_py.jobs.queue.embedded", "tusd_py.tasks.embedded", "tusd_py.locks.local",
    "tusd_py.rate_limits.local", "tusd_py.http.session_access",
)  # fmt: skip
"""What a start with embedded adapters imports, and one with users."""


def import_the_program() -> None:
    """Import it, and make no thread: a fork would not have it."""
    for name in IMPORTED:
        import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.freeze()


def become_what_is_ordered(orders: socket.socket) -> None:
    """Return in each process that was ordered; end with the process that gives orders."""
    # Ctrl-C is for the tests, and for what was ordered.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, 1 << 20, 3)
        _collect_ended()
        if not order:
            sys.exit()
        output, errors, report = descriptors
        if os.fork() == 0:
            orders.close()
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGINT, interrupt)
                os.close(report)
                _take_over(output, errors, **json.loads(order))
                return
            os.close(output)
            os.close(errors)
            _report_end(pid, report)
        for descriptor in descriptors:
            os.close(descriptor)


def _collect_ended() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _report_end(pid: int, report: int) -> None:
    os.write(report, pid.to_bytes(8, "big", signed=True))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(report, code.to_bytes(8, "big", signed=True))
    os._exit(0)


def _take_over(
    output: int, errors: int, arguments: list[str], env: dict[str, str], directory: str
) -> None:
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.close(output)
    os.close(errors)
    # The streams of before know whether the files of before could be sought.
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(directory)
    sys.path.insert(0, directory)
    sys.argv = ["tusd-py", *arguments]


if __name__ == "__main__":
    collect_rarely()
    import_the_program()
    become_what_is_ordered(socket.socket(fileno=int(sys.argv[1])))
    main()
