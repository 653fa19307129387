"""A worker's hold on its jobs: renewed while it lives, given up before it is lost."""

import logging
import threading
from typing import Final

from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.clock import Clock
from tusd_py.domain.errors import BackendError, LeaseLost
from tusd_py.domain.job import Job

log = logging.getLogger(__name__)

SELF_FENCE_SHARE: Final = 1 / 6
"""Stop so long before the end of an unrenewed lease (10 s of 60), so that two never run at once."""


class WorkerStopping(Exception):
    """Raised inside an attempt when the worker is to stop: the job goes back at once."""


class Lease:
    """One attempt's hold on its job. Any thread may ask; the renewer keeps it."""

    def __init__(self, jobs: JobRepository, job: Job, *, seconds: float, clock: Clock) -> None:
        self.task_id = job.task_id
        self.fence = job.fence
        self._jobs = jobs
        self._seconds = seconds
        self._clock = clock
        self._until = clock.monotonic() + seconds
        self._lost = threading.Event()
        self._stopping = threading.Event()
        self._closed = threading.Event()

    def renew(self) -> None:
        """Hold it longer; a database that can't be reached costs the lease only in the end."""
        if self._closed.is_set():
            return
        asked_at = self._clock.monotonic()
        try:
            self._jobs.renew(self.task_id, fence=self.fence, lease_seconds=self._seconds)
        except LeaseLost:
            self._lost.set()
        except BackendError:
            log.warning("job.lease.unrenewed", extra={"task_id": self.task_id})
        else:
            self._until = asked_at + self._seconds

    def lose(self) -> None:
        """Another attempt has the job, or none has: this one ends at its next look."""
        self._lost.set()

    def stop(self) -> None:
        """The worker is stopping: the attempt ends at its next look."""
        self._stopping.set()

    def close(self) -> None:
        """The job is recorded: there is nothing left to hold or to lose, and a renewal that finds it
        closed says nothing about us."""
        self._closed.set()

    def ended(self) -> bool:
        """Whether the attempt must not go on."""
        if self._closed.is_set():
            return False
        spare = self._seconds * SELF_FENCE_SHARE
        if self._clock.monotonic() > self._until - spare:
            self._lost.set()
        return self._lost.is_set() or self._stopping.is_set()

    def check(self) -> None:
        """Go on only while the job is ours. Raises: LeaseLost, WorkerStopping."""
        if not self.ended():
            return
        if self._lost.is_set():
            raise LeaseLost
        raise WorkerStopping
