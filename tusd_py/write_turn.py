"""Gives the writers of one SQLite file turns, between processes.

SQLite has one writer at a time. A process that finds another one writing sleeps for up to 100 ms
and tries again, and one that is always awake then starves the others: of four processes that write
without a pause some waited for 3 to 4 s. Here the kernel wakes the next at once, and the longest
wait was 0.1 to 0.7 s. The locks of SQLite stay what decides: a turn only saves waiting.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final, Protocol

from typing_extensions import override

from tusd_py.byte_locks import set_byte_lock, try_byte_lock, wait_for_byte_lock


class TurnMissed(Exception):
    """Is raised when another process keeps its turn for too long."""


class WriteTurn(Protocol):
    """Gives turns to the threads of a process, one of which may want a turn at a time."""

    def taken(self, timeout: float) -> AbstractContextManager[None]:
        """Hold the turn while the block runs.

        Raises: TurnMissed: it did not come within ``timeout`` seconds.
        """
        ...


class SoleWriter(WriteTurn):
    """Gives turns where there is no other process."""

    @override
    def taken(self, timeout: float) -> AbstractContextManager[None]:
        return nullcontext()


SOLE_WRITER: Final = SoleWriter()


class SiblingWriteTurn(WriteTurn):
    """Gives turns by a lock of the kernel on one file.

    A wait for such a lock has no time limit. So a thread of its own waits, once another process has
    been found writing, and goes on waiting for a later turn when the first one was missed. A turn
    begins without the lock when the kernel has no memory for it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises: OSError."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._waits = False
        """Whether the thread waits for the kernel."""
        self._wanted = False
        self._came = False

    @contextmanager
    def taken(self, timeout: float) -> Iterator[None]:
        """See ``WriteTurn.taken``."""
        self._take(timeout)
        try:
            yield
        finally:
            with suppress(OSError):  # the next turn of this process ends it
                set_byte_lock(self._file, fcntl.F_UNLCK, 0)

    def _take(self, timeout: float) -> None:
        with self._changed:
            if not self._waits:
                if self._try():
                    return
                self._waits = True
                self._start()
                self._changed.notify_all()
            self._wanted = True
            came = self._changed.wait_for(lambda: self._came, timeout)
            self._wanted = self._came = False
            if not came:
                raise TurnMissed

    def _try(self) -> bool:
        try:
            return try_byte_lock(self._file, 0)
        except OSError:
            return True

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._wait, name="write-turn", daemon=True)
            self._thread.start()

    def _wait(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waits)
            with suppress(OSError):
                wait_for_byte_lock(self._file, 0)
            with self._changed:
                self._waits = False
                if self._wanted:
                    self._came = True
                    self._changed.notify_all()
                else:
                    set_byte_lock(self._file, fcntl.F_UNLCK, 0)
