"""Processes of a set for unit tests: the programs are objects, and the channels are real."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tusd_py.channel import Channel
from tusd_py.processes.order import Order
from tusd_py.processes.process import Process

ORDER: Final = {
    "config": None, "flags": {}, "directory": "", "number": 0, "servers": 2, "slot": 0, "listeners": [],
    "monitoring": None, "held": None, "workers": 0, "secret": "",
}  # fmt: skip


class Program:
    """Is in the place of a ``subprocess.Popen``; a signal ends it only if it is SIGKILL."""

    pid = 1

    def __init__(self) -> None:
        self.code: int | None = None
        self.signals: list[int] = []

    def poll(self) -> int | None:
        return self.code

    def wait(self) -> None:
        assert self.code is not None

    def send_signal(self, number: int) -> None:
        self.signals.append(number)

    def kill(self) -> None:
        self.signals.append(signal.SIGKILL)
        self.code = -signal.SIGKILL


@dataclass(frozen=True)
class Started:
    """Is a process as its parent sees it, with its program and its own end of the channel."""

    process: Process
    program: Program
    channel: Channel

    @property
    def slot(self) -> int:
        return self.process.order.slot


class FakeProcesses:
    """Makes processes, the first of which is the first of two servers."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, *, shutdown_timeout: float = 10.0, **order: Any) -> Started:
        """Return a process. Args: order: fields of its order that are not those of ``ORDER``."""
        ours, end = Channel.pair()
        theirs = Channel(end)
        for channel in (ours, theirs):
            self._stack.callback(channel.close)
        program: Any = Program()
        made = Process(Order(**{**ORDER, **order}), program, ours, shutdown_timeout)
        return Started(made, program, theirs)


@contextmanager
def fake_processes() -> Iterator[FakeProcesses]:
    """Close all channels at the end of the block."""
    with ExitStack() as stack:
        yield FakeProcesses(stack)
