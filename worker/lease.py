"""The lease of a job: the worker renews it, and ends the attempt before the lease expires."""

import logging
import threading
from typing import Final

from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.clock import Clock
from tusd_py.domain.errors import BackendError, LeaseLost
from tusd_py.domain.job import Job

log = logging.getLogger(__name__)

SELF_FENCE_SHARE: Final = 1 / 6
"""Last share of a lease that an attempt without a renewal does not use (10 s of 60).

It keeps two attempts at one job from running at the same time.
"""


class WorkerStopping(Exception):
    """Raised inside an attempt when the worker must stop: the job is released at once."""


class Lease:
    """Holds one job for one attempt. Any thread may check it; one thread renews it."""

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
        """Renew the lease. If the database can't be reached, it is lost only when it expires."""
        if self._closed.is_set():
            return
        called_at = self._clock.monotonic()
        try:
            self._jobs.renew(self.task_id, fence=self.fence, lease_seconds=self._seconds)
        except LeaseLost:
            self._lost.set()
        except BackendError as error:
            log.warning(
                "job.lease.unrenewed", extra={"task_id": self.task_id, "reason": error.reason}
            )
        else:
            self._until = called_at + self._seconds

    def lose(self) -> None:
        """Mark the lease as lost: the attempt ends at its next check."""
        self._lost.set()

    def stop(self) -> None:
        """Note that the worker stops: the attempt ends at its next check."""
        self._stopping.set()

    def close(self) -> None:
        """Note that the job is recorded: from now on the lease is not renewed and can't be lost.

        Otherwise a renewal would find the job closed and count that as a loss.
        """
        self._closed.set()

    def ended(self) -> bool:
        """Return whether the attempt must end."""
        if self._closed.is_set():
            return False
        spare = self._seconds * SELF_FENCE_SHARE
        if self._clock.monotonic() > self._until - spare:
            self._lost.set()
        return self._lost.is_set() or self._stopping.is_set()

    def check(self) -> None:
        """Raise if the attempt must end. Raises: LeaseLost, WorkerStopping."""
        if not self.ended():
            return
        if self._lost.is_set():
            raise LeaseLost
        raise WorkerStopping
