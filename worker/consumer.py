"""From a delivery to a closed job: claim, pipeline, then done, later, or dead letter (S17, S18)."""

import errno
import logging
import random
import threading
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.errors import (
    BackendError,
    LeaseLost,
    Permanent,
    PipelineError,
    ResourceShort,
    StorageFull,
    Transient,
)
from tusd_py.domain.job import INFECTED, Job
from tusd_py.domain.task import TEXT_RETRYING, TEXT_WAITING
from tusd_py.monitoring.traces import Traces
from tusd_py.monitoring.worker_figures import WorkerFigures
from tusd_py.ports import Ports
from tusd_py.queue.port import Delivery
from tusd_py.settings import Settings
from worker.failpoints import failpoint
from worker.heavy_work import Deferred, HeavyWork
from worker.lease import Lease, WorkerStopping
from worker.media.run import Stopped
from worker.media.tools import Tools
from worker.pipeline.attempt import Attempt
from worker.pipeline.engine import run_steps
from worker.reporter import Reporter

log = logging.getLogger(__name__)

RECEIVE_SECONDS: Final = 1.0
DATABASE_RETRY_SECONDS: Final = 5.0
JITTER: Final = 0.2
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNEXPECTED: Final = "Processing failed unexpectedly."


class Consumer:
    """Takes deliveries in any number of threads; each call of ``take_one`` is one of them."""

    def __init__(
        self,
        settings: Settings,
        ports: Ports,
        tools: Tools,
        *,
        owner: str,
        clock: Clock,
        figures: WorkerFigures,
        traces: Traces,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._tools = tools
        self._owner = owner
        self._clock = clock
        self._figures = figures
        self._traces = traces
        self._heavy_work = HeavyWork(max(1, settings.workers), clock)
        self._mutex = threading.Lock()
        self._leases: set[Lease] = set()

    def take_one(self) -> bool:
        """Wait a moment for a delivery and carry it through; whether there was one.

        Raises: BackendError: the queue can't be reached.
        """
        delivery = self._ports.queue.receive(RECEIVE_SECONDS)
        if delivery is None:
            return False
        job = self._claim(delivery)
        if job is not None:
            failpoint("claimed")
            self._attempt(job)
        return True

    def _claim(self, delivery: Delivery) -> Job | None:
        """The delivery is settled right after the claim: from then on the lease holds the job."""
        seconds = self._settings.jobs.lease
        try:
            job = self._ports.catalog.claim(
                delivery.message.task_id, owner=self._owner, lease_seconds=seconds
            )
        except BackendError:
            delivery.retry_later(DATABASE_RETRY_SECONDS)
            raise
        delivery.ack()
        return job

    def _attempt(self, job: Job) -> None:
        lease = Lease(
            self._ports.catalog, job, seconds=self._settings.jobs.lease, clock=self._clock
        )
        attempt = Attempt(
            job=job,
            ports=self._ports,
            settings=self._settings,
            tools=self._tools,
            lease=lease,
            reporter=Reporter(self._ports.tasks, job, self._clock),
            clock=self._clock,
            figures=self._figures,
            traces=self._traces,
            heavy_work=self._heavy_work,
        )
        with self._mutex:
            self._leases.add(lease)
        log.info("job.started", extra={"task_id": job.task_id, "fence": job.fence})
        try:
            with self._traces.span("attempt", task_id=job.task_id, fence=job.fence):
                run_steps(attempt)
        except Exception as error:  # noqa: BLE001  (every error is settled below)
            self._end(attempt, error)
        else:
            self._figures.attempt_ended("done")
            log.info("job.done", extra={"task_id": job.task_id, "fence": job.fence})
        finally:
            attempt.end_heavy()
            with self._mutex:
                self._leases.discard(lease)

    def _end(self, attempt: Attempt, error: Exception) -> None:
        """What an attempt's error means for its job. Never raises."""
        try:
            try:
                attempt.lease.check()
            except (LeaseLost, WorkerStopping) as ended:
                error = ended
            self._settle(attempt, error)
        except LeaseLost:
            self._leave(attempt)
        except BackendError:
            # The lease runs out; the reaper finds the job.
            self._figures.attempt_ended("unsettled")
            log.exception("job.unsettled", extra={"task_id": attempt.job.task_id})

    def _settle(self, attempt: Attempt, error: Exception) -> None:
        match error:
            case LeaseLost():
                raise error
            case WorkerStopping() | Stopped():
                self._ports.catalog.release(attempt.job.task_id, fence=attempt.job.fence)
                self._figures.attempt_ended("released")
            case Deferred():
                self._defer(attempt, error.seconds)
            case Permanent():
                self._fail(attempt, error.reason_code, error.detail, error.message)
            case ResourceShort() | StorageFull():
                self._later(attempt, error, counted=False)
            case OSError() if error.errno in _FULL:
                self._later(attempt, ResourceShort("The worker's disk is full."), counted=False)
            case Transient() | BackendError():
                self._later(attempt, error, counted=True)
            case _:
                log.error("job.crashed", exc_info=error)
                self._later(attempt, Transient(UNEXPECTED), counted=True)

    def _defer(self, attempt: Attempt, seconds: float) -> None:
        """Put heavy work without a place back into the queue, so that it waits there and not in a slot."""
        job = attempt.job
        self._ports.catalog.retry(
            job.task_id,
            fence=job.fence,
            after_seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER),  # noqa: S311
            error_code="",
            error_msg="",
            counted=False,
        )
        self._figures.attempt_ended("deferred")
        attempt.reporter.waits(TEXT_WAITING)
        attempt.remove_work()
        log.info("job.deferred", extra={"task_id": job.task_id, "seconds": seconds})

    def _later(
        self, attempt: Attempt, error: PipelineError | BackendError, *, counted: bool
    ) -> None:
        """Try again after a pause, or give up when it has been tried often enough."""
        job, jobs = attempt.job, self._settings.jobs
        tried = job.attempts + (1 if counted else 0)
        message = error.message if isinstance(error, PipelineError) else ""
        if tried >= jobs.max_attempts:
            self._fail(attempt, error.code, error.detail, message)
            return
        pause = jobs.resource_backoff
        if counted:
            pause = jobs.backoff[min(tried, len(jobs.backoff)) - 1]
        self._ports.catalog.retry(
            job.task_id,
            fence=job.fence,
            after_seconds=pause * random.uniform(1 - JITTER, 1 + JITTER),  # noqa: S311
            error_code=error.code,
            error_msg=error.detail,
            counted=counted,
        )
        self._figures.attempt_ended("retry")
        attempt.reporter.waits(
            f"{TEXT_RETRYING}{tried}/{jobs.max_attempts}" if counted else TEXT_WAITING
        )
        log.warning("job.retry", extra={"task_id": job.task_id, "tried": tried, "code": error.code})

    def _fail(self, attempt: Attempt, code: str, sentence: str, message: str) -> None:
        """Dead letter: the source is kept for a retry by hand, unless it holds a virus."""
        job = attempt.job
        self._ports.catalog.fail(job.task_id, fence=job.fence, error_code=code, error_msg=sentence)
        self._figures.attempt_ended("failed")
        attempt.reporter.failed(
            code=code, sentence=sentence, message=message if message != sentence else ""
        )
        attempt.remove_work()
        if code == INFECTED:
            self._ports.stores.core.delete(job.task_id)
            self._ports.catalog.source_removed(job.task_id)
        log.warning("job.failed", extra={"task_id": job.task_id, "code": code})

    def _leave(self, attempt: Attempt) -> None:
        """Somebody else has the job: remove what is ours alone, say nothing (fault 12)."""
        self._figures.attempt_ended("lost")
        log.warning("job.lost", extra={"task_id": attempt.job.task_id})
        attempt.remove_work()

    def wait_until_all_heavy(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until every slot does heavy work. Return whether every one does."""
        return self._heavy_work.wait_until_full(seconds)

    def renew(self) -> None:
        """Renew every lease held here."""
        for lease in self._held():
            lease.renew()

    def notice_losses(self) -> None:
        """End the attempts whose jobs were taken from them since, by a deletion for example.

        Raises: BackendError.
        """
        leases = self._held()
        if not leases:
            return
        held = self._ports.catalog.held({lease.task_id: lease.fence for lease in leases})
        for lease in leases:
            if lease.task_id not in held:
                lease.lose()

    def release(self) -> None:
        """End every attempt at its next look; the jobs go back to the queue."""
        for lease in self._held():
            lease.stop()

    def busy(self) -> int:
        """Attempts under way."""
        return len(self._held())

    def _held(self) -> list[Lease]:
        with self._mutex:
            return list(self._leases)
