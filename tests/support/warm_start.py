"""Start ``tusd-py`` as a fork of a process that has imported it: most of the time of a start are imports.

What starts has its own arguments, environment, directory and output, and ends as any other process.
Only the variable of failpoints (``TUSD_FAIL``) is read by an import: what has it starts from nothing.
So do the program in tests/integration/test_start.py, commands, the processes of one port, and all
that is deployed or measured by a bench.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PROGRAM: Final = (sys.executable, "-m", "tusd_py")
_SOURCE: Final = Path(__file__).with_name("warm_source.py")


class WarmProcess:
    """Identifies a process that was started; its methods are those of ``subprocess.Popen``."""

    def __init__(
        self,
        orders: socket.socket,
        *arguments: str,
        env: Mapping[str, str],
        output: int,
        errors: int,
    ) -> None:
        self.returncode: int | None = None
        self._report, report = os.pipe()
        order = {"arguments": arguments, "env": dict(env), "directory": os.getcwd()}
        try:
            socket.send_fds(orders, [json.dumps(order).encode()], [output, errors, report])
        finally:
            os.close(report)
        self.pid = self._reported()

    def __del__(self) -> None:
        os.close(self._report)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises: subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("tusd-py", timeout or 0)
            self.returncode = self._reported()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _reported(self) -> int:
        number = os.read(self._report, 8)
        assert number, "the process that starts others has ended"
        return int.from_bytes(number, "big", signed=True)


Started = subprocess.Popen[bytes] | WarmProcess


class _Source:
    """The process that starts others, once it is needed; it ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._beginning = threading.Lock()

    def orders(self) -> socket.socket:
        with self._beginning:
            if self._orders is None:
                self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, "-P", str(_SOURCE), str(theirs.fileno())],
                        pass_fds=[theirs.fileno()],
                    )
            return self._orders

    def close(self) -> None:
        if self._orders is not None and self._process is not None:
            self._orders.close()
            self._process.wait()


_offered: Final[list[_Source]] = []


@contextmanager
def warm_starts() -> Iterator[None]:
    """Let ``start`` make forks for the length of a block."""
    _offered.append(_Source())
    try:
        yield
    finally:
        _offered.pop().close()


def start(*arguments: str, env: Mapping[str, str], output: int, errors: int) -> Started:
    """Start ``tusd-py`` with these arguments, and descriptors for its output and its errors."""
    if _offered and "TUSD_FAIL" not in env:
        orders = _offered[-1].orders()
        return WarmProcess(orders, *arguments, env=env, output=output, errors=errors)
    return subprocess.Popen([*PROGRAM, *arguments], env=env, stdout=output, stderr=errors)
