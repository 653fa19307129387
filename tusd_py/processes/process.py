"""Is one process of a set, as its parent sees it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final, Self

from tusd_py.channel import Channel, ChannelClosed, MessageKind
from tusd_py.processes.order import Order

LATE_SECONDS: Final = 3.0
"""A process that is silent for this time accepts no connections."""
SILENT_SECONDS: Final = 30.0
"""A process that is silent for this time is killed."""
GRACE_SECONDS: Final = 10.0
"""Time beyond ``shutdown_timeout`` after which a process that should end is killed."""


class Process:
    """Starts a process and follows it."""

    def __init__(
        self,
        order: Order,
        program: "subprocess.Popen[bytes]",
        channel: Channel,
        shutdown_timeout: float,
    ) -> None:
        self.order = order
        self.channel = channel
        self._end_seconds = shutdown_timeout + GRACE_SECONDS
        self.banner: Sequence[str] = ()
        self.failure = ""
        """Why it can't start, in a sentence."""
        self.is_ready = False
        self.is_stopping = False
        """Whether it has said that it ends."""
        self.is_killed = False
        self.ends_by: float | None = None
        """Time at which it is killed, once its end was requested, by its parent or another."""
        self.started_at = self.heard_at = time.monotonic()
        self._program = program
        self._serves: list[int] = []

    @classmethod
    def start(cls, order: Order, shutdown_timeout: float) -> Self:
        """Start a Python interpreter, which loads the program as it is on the disk now.

        Args: shutdown_timeout: in seconds, as the order says it.
        Raises: OSError: the system can't.
        """
        channel, theirs = Channel.pair()
        with theirs:
            program = subprocess.Popen(
                [sys.executable, "-P", "-m", "tusd_py.processes.child", str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                pass_fds=(theirs.fileno(), *order.descriptors()),
                # Ctrl+C in a terminal reaches the parent only.
                process_group=0,
            )
        process = cls(order, program, channel, shutdown_timeout)
        if not channel.send(MessageKind.ORDER, order.content()):
            process.discard()
            raise OSError("the order could not be sent")
        return process

    @property
    def pid(self) -> int:
        """Return the number that the system gave it."""
        return self._program.pid

    @property
    def facts(self) -> Mapping[str, object]:
        """Return by what the log names it."""
        return {"number": self.order.number, "pid": self.pid}

    def hear(self, now: float) -> bool:
        """Read the messages that have arrived. Return False if there will be no more."""
        try:
            messages = self.channel.waiting()
        except ChannelClosed:
            return False
        for message in messages:
            self.heard_at = now
            if message.kind is MessageKind.READY:
                self.is_ready, self.banner = True, message.content
            elif message.kind is MessageKind.FAILED:
                self.failure = str(message.content)
            elif message.kind is MessageKind.STOPPING:
                self.is_stopping = True
        return True

    def accepts(self, now: float) -> bool:
        """Return whether it accepts connections, as far as its parent knows."""
        is_heard = self.is_ready and now - self.heard_at < LATE_SECONDS
        return is_heard and self.ends_by is None and self.exit_code() is None

    def is_silent(self, now: float) -> bool:
        """Return whether it must be killed, since it shows no sign of life.

        One that starts may be migrating a database, which takes its time.
        """
        return self.is_ready and now - self.heard_at > SILENT_SECONDS

    def serve(self, slots: list[int]) -> None:
        """Make it serve the listeners of these slots, in addition to its own."""
        if slots != self._serves and self.channel.send(MessageKind.LISTENERS, slots):
            self._serves = slots

    def end(self, number: signal.Signals, now: float) -> None:
        """Request its end by a signal."""
        self.expect_end(now)
        self._program.send_signal(number)

    def expect_end(self, now: float) -> None:
        """Note that its end has begun. It is killed after the time that its settings give it."""
        if self.ends_by is None:
            self.ends_by = now + self._end_seconds

    def kill(self) -> None:
        """End it at once."""
        self.is_killed = True
        self._program.kill()

    def discard(self) -> None:
        """End it at once, wait for that, and free what belongs to it."""
        self.kill()
        self.wait()
        self.channel.close()

    def exit_code(self) -> int | None:
        """Return its exit code, or the negative number of a signal; None while it runs."""
        return self._program.poll()

    def wait(self) -> None:
        """Wait for its end."""
        self._program.wait()
