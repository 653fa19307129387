"""Implements the queue without a broker: the jobs in the catalog are the queue (decision 44)."""

import threading
from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Final

from typing_extensions import override

from tusd_py.catalog.ports.jobs import WaitingRepository
from tusd_py.jobs.queue.port import DeadLetter, JobQueue
from tusd_py.sibling_bus import Mailbox, SiblingBus, Topic

POLL_SECONDS: Final = 0.25
"""Longest wait, so that workers find jobs that other processes queued and retries that are due."""
MAX_SIGNS: Final = 32
"""Number of signs that are kept while all workers are busy; each costs a look into the catalog."""


class EmbeddedQueue(JobQueue):
    """Wakes the workers of this process at once, and those of its siblings over the bus.

    Workers of other processes find jobs by waiting.
    """

    def __init__(self, jobs: WaitingRepository, bus: SiblingBus | None = None) -> None:
        self._jobs = jobs
        self._bus = bus
        self._mailbox: Mailbox | None = None
        self._listener: threading.Thread | None = None
        self._changed = threading.Condition()
        self._signs = 0
        self._closed = False

    @override
    def wake(self) -> None:
        self._sign(1)
        if self._bus is not None:
            self._bus.send(Topic.JOB)

    def _sign(self, count: int) -> None:
        with self._changed:
            # A worker that has just found no job, and does not wait yet, takes the sign then.
            self._signs = min(self._signs + count, MAX_SIGNS)
            self._changed.notify(count)

    def _listen(self, bus: SiblingBus) -> None:
        """Listen to the other processes, since this one has workers."""
        with self._changed:
            if self._mailbox is None and not self._closed:
                self._mailbox = bus.listen(Topic.JOB)
                self._listener = threading.Thread(
                    target=self._hear, args=(self._mailbox,), name="job-signs", daemon=True
                )
                self._listener.start()

    def _hear(self, mailbox: Mailbox) -> None:
        with closing(mailbox):
            while not self._closed:
                self._sign(mailbox.wait())

    @override
    def wait(self, timeout: float) -> bool:
        if self._bus is not None and self._mailbox is None:
            self._listen(self._bus)
        with self._changed:
            self._changed.wait_for(lambda: self._signs or self._closed, min(timeout, POLL_SECONDS))
            return not self._closed and self._take()

    @override
    def skip_one(self) -> None:
        with self._changed:
            self._take()

    def _take(self) -> bool:
        if not self._signs:
            return False
        self._signs -= 1
        return True

    @override
    def depth(self) -> int:
        return self._jobs.count_waiting()

    @override
    def dead_depth(self) -> int:
        return 0

    @override
    def check(self) -> None:
        """Pass: the catalog has a check of its own."""

    @override
    def dead_letters(self) -> Sequence[DeadLetter]:
        return ()

    @override
    def settle_dead_letters(self, ids: Collection[str], *, again: bool) -> Collection[str]:
        return ()

    @override
    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
            if self._mailbox is not None:
                self._mailbox.end()
        if self._listener is not None:
            self._listener.join()
