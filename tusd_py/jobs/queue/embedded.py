"""Implements the queue without a broker: the jobs in the catalog are the queue (decision 44)."""

import threading
from collections.abc import Collection, Sequence
from typing import Final

from typing_extensions import override

from tusd_py.catalog.ports.jobs import WaitingRepository
from tusd_py.jobs.queue.port import DeadLetter, JobQueue

POLL_SECONDS: Final = 0.25
"""Longest wait, so that workers find jobs that other processes queued and retries that are due."""
MAX_SIGNS: Final = 32
"""Number of signs that are kept while all workers are busy; each costs a look into the catalog."""


class EmbeddedQueue(JobQueue):
    """Wakes the workers of this process at once; those of other processes find jobs by waiting."""

    def __init__(self, jobs: WaitingRepository) -> None:
        self._jobs = jobs
        self._changed = threading.Condition()
        self._signs = 0
        self._closed = False

    @override
    def wake(self) -> None:
        with self._changed:
            # A worker that has just found no job, and does not wait yet, takes the sign then.
            self._signs = min(self._signs + 1, MAX_SIGNS)
            self._changed.notify()

    @override
    def wait(self, timeout: float) -> bool:
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
            self._closed = True
            self._changed.notify_all()
