"""Claims a job, runs the pipeline, and ends the job: done, retry or dead letter.

Requirements S17 and S18.
"""

import errno
import logging
import threading
from collections.abc import Sequence
from typing import Final

from tusd_py.backoff import Backoff
from tusd_py.clock import Clock
from tusd_py.domain.errors import (
    BackendError,
    LeaseLost,
    OutOfResources,
    PermanentError,
    PipelineError,
    StorageFull,
    TransientError,
)
from tusd_py.domain.job import INFECTED, Job
from tusd_py.domain.job_lane import ALL_LANES, JobLane
from tusd_py.domain.task import TEXT_RETRYING, TEXT_WAITING
from tusd_py.monitoring.traces import Traces
from tusd_py.monitoring.worker_metrics import WorkerMetrics
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.worker.failpoints import failpoint
from tusd_py.worker.lease import Lease, WorkerStopping
from tusd_py.worker.media.run import Stopped
from tusd_py.worker.media.tools import Tools
from tusd_py.worker.pipeline.attempt import Attempt, WrongLane
from tusd_py.worker.pipeline.engine import run_steps
from tusd_py.worker.reporter import Reporter

log = logging.getLogger(__name__)

WAIT_SECONDS: Final = 1.0
SPREAD: Final = (0.8, 1.2)
"""Lowest and highest factor of a pause: jobs that failed together do not return together."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DISK_FULL: Final = "The worker's disk is full."
UNEXPECTED: Final = "Processing failed unexpectedly."


class Consumer:
    """Claims jobs and runs them. Any number of threads may call ``take_one``."""

    def __init__(
        self,
        settings: Settings,
        ports: Ports,
        tools: Tools,
        *,
        owner: str,
        clock: Clock,
        metrics: WorkerMetrics,
        traces: Traces,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._tools = tools
        self._owner = owner
        self._clock = clock
        self._metrics = metrics
        self._traces = traces
        self._changed = threading.Condition()
        self._leases: dict[Lease, JobLane] = {}

    def take_one(self, lanes: Sequence[JobLane] = ALL_LANES) -> bool:
        """Run the next job of these lanes, or wait a moment for a sign that one was queued.

        The catalog is read before each wait, so a job needs no sign if it already waits, for
        example because its user was at the limit.

        Returns: whether there was a job.
        Raises: BackendError: the catalog or the queue can't be reached.
        """
        job = self._claim(lanes)
        if job is not None:
            self._skip_sign()
        elif self._ports.queue.wait(WAIT_SECONDS):
            # A sign that is lost from here on does no harm: the catalog is read again soon.
            job = self._claim(lanes)
        if job is None:
            return False
        failpoint("claimed")
        self._attempt(job)
        return True

    def _claim(self, lanes: Sequence[JobLane]) -> Job | None:
        jobs = self._settings.jobs
        return self._ports.catalog.jobs.claim_next(
            lanes, owner=self._owner, lease_seconds=jobs.lease, per_user=jobs.per_user
        )

    def _skip_sign(self) -> None:
        """Remove one sign from the queue for a job that was claimed without one.

        Otherwise messages would collect at a broker while all workers are busy. Never raises.
        """
        try:
            self._ports.queue.skip_one()
        except BackendError as error:
            log.warning("queue.skip.failed", extra={"reason": error.reason})

    def _attempt(self, job: Job) -> None:
        lease = Lease(
            self._ports.catalog.jobs, job, seconds=self._settings.jobs.lease, clock=self._clock
        )
        attempt = Attempt(
            job=job,
            ports=self._ports,
            settings=self._settings,
            tools=self._tools,
            lease=lease,
            reporter=Reporter(self._ports.tasks, job, self._clock),
            clock=self._clock,
            metrics=self._metrics,
            traces=self._traces,
            heavy_running=self._heavy,
        )
        with self._changed:
            self._leases[lease] = job.lane
            self._changed.notify_all()
        log.info("job.started", extra={"task_id": job.task_id, "fence": job.fence})
        try:
            with self._traces.span("attempt", task_id=job.task_id, fence=job.fence):
                run_steps(attempt)
        except Exception as error:  # noqa: BLE001  (every error is settled below)
            self._end(attempt, error)
        else:
            self._metrics.attempt_ended("done")
            log.info("job.done", extra={"task_id": job.task_id, "fence": job.fence})
        finally:
            attempt.remove_copy_of_source()
            with self._changed:
                del self._leases[lease]

    def _end(self, attempt: Attempt, error: Exception) -> None:
        """Change the job as an attempt's error requires. Never raises."""
        try:
            try:
                attempt.lease.check()
            except (LeaseLost, WorkerStopping) as ended:
                error = ended
            self._settle(attempt, error)
        except LeaseLost:
            self._abandon(attempt)
        except BackendError:
            # The lease expires, and the reaper finds the job.
            self._metrics.attempt_ended("uncertain")
            log.exception("job.unsettled", extra={"task_id": attempt.job.task_id})

    def _settle(self, attempt: Attempt, error: Exception) -> None:
        match error:
            case LeaseLost():
                raise error
            case WorkerStopping():
                self._ports.catalog.jobs.release(attempt.job.task_id, fence=attempt.job.fence)
                self._metrics.attempt_ended("released")
                attempt.remove_unverified_work()
            case WrongLane():
                self._move_to_heavy_lane(attempt)
            case PermanentError():
                self._fail(attempt, error.reason_code, error.detail, error.message)
            case OutOfResources() | StorageFull():
                self._schedule_retry(attempt, error, counted=False)
            case Stopped():
                # The lease holds, so the program was ended because the disk is short.
                self._schedule_retry(attempt, OutOfResources(DISK_FULL), counted=False)
            case OSError() if error.errno in _FULL:
                self._schedule_retry(attempt, OutOfResources(DISK_FULL), counted=False)
            case TransientError() | BackendError():
                self._schedule_retry(attempt, error, counted=True)
            case _:
                log.error("job.crashed", exc_info=error)
                self._schedule_retry(attempt, TransientError(UNEXPECTED), counted=True)

    def _move_to_heavy_lane(self, attempt: Attempt) -> None:
        """Release the job into the heavy lane, where it waits at the place of its age."""
        job = attempt.job
        self._ports.catalog.jobs.release(job.task_id, fence=job.fence, lane=JobLane.HEAVY)
        self._ports.queue.wake()
        self._metrics.attempt_ended("moved")
        attempt.reporter.report_waiting(TEXT_WAITING)
        attempt.remove_work()
        log.info("job.moved", extra={"task_id": job.task_id})

    def _schedule_retry(
        self, attempt: Attempt, error: PipelineError | BackendError, *, counted: bool
    ) -> None:
        """Schedule the next attempt after a pause, or fail the job after its last attempt."""
        job, jobs = attempt.job, self._settings.jobs
        tried = job.attempts + (1 if counted else 0)
        message = error.message if isinstance(error, PipelineError) else ""
        if tried >= jobs.max_attempts:
            self._fail(attempt, error.code, error.detail, message)
            return
        pauses = jobs.backoff if counted else (jobs.resource_backoff,)
        self._ports.catalog.jobs.retry(
            job.task_id,
            fence=job.fence,
            after_seconds=Backoff(pauses, SPREAD).pause(tried if counted else 1),
            error_code=error.code,
            error_msg=error.detail,
            counted=counted,
        )
        self._metrics.attempt_ended("retry")
        attempt.remove_unverified_work()
        attempt.reporter.report_waiting(
            f"{TEXT_RETRYING}{tried}/{jobs.max_attempts}" if counted else TEXT_WAITING
        )
        log.warning("job.retry", extra={"task_id": job.task_id, "tried": tried, "code": error.code})

    def _fail(self, attempt: Attempt, code: str, sentence: str, message: str) -> None:
        """Make the job a dead letter; its source is kept for a manual retry unless infected."""
        job = attempt.job
        self._ports.catalog.jobs.fail(
            job.task_id, fence=job.fence, error_code=code, error_msg=sentence
        )
        self._metrics.attempt_ended("failed")
        attempt.reporter.failed(
            code=code, sentence=sentence, message=message if message != sentence else ""
        )
        attempt.remove_work()
        if code == INFECTED and not job.checkpoint.again:
            self._ports.stores.uploads.delete(job.task_id)
            self._ports.catalog.uploads.source_removed(job.task_id)
        log.warning("job.failed", extra={"task_id": job.task_id, "code": code})

    def _abandon(self, attempt: Attempt) -> None:
        """Remove this attempt's own files and report nothing: the job was lost (fault 12)."""
        self._metrics.attempt_ended("lost")
        log.warning("job.lost", extra={"task_id": attempt.job.task_id})
        attempt.remove_work()

    def wait_until_busy(self, attempts: int, seconds: float) -> bool:
        """Wait at most ``seconds`` until ``attempts`` attempts run, and return whether they do."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._leases) >= attempts, timeout=seconds)

    def renew(self) -> None:
        """Renew every lease that this process holds."""
        for lease in self._held():
            lease.renew()

    def notice_losses(self) -> None:
        """End the attempts that have lost their jobs, for example because an upload was deleted.

        Raises: BackendError.
        """
        leases = self._held()
        if not leases:
            return
        held = self._ports.catalog.jobs.still_held({lease.task_id: lease.fence for lease in leases})
        for lease in leases:
            if lease.task_id not in held:
                lease.lose()

    def release(self) -> None:
        """End every attempt at its next check of its lease; the jobs go back to the queue."""
        for lease in self._held():
            lease.stop()

    def busy(self) -> int:
        """Return the number of attempts that run."""
        return len(self._held())

    def _heavy(self) -> int:
        with self._changed:
            return list(self._leases.values()).count(JobLane.HEAVY)

    def _held(self) -> list[Lease]:
        with self._changed:
            return list(self._leases)
