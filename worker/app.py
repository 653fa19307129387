"""Composition root of the worker: the slots that claim jobs, and the periodic maintenance."""

import logging
import os
import random
import secrets
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

from tusd_py.domain.errors import BackendError
from tusd_py.domain.job import Job
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.operation import StepTimes
from tusd_py.garbage import exclude_from_collection
from tusd_py.hidden_process import hide_from_other_processes
from tusd_py.jobs.outbox import publish_outcomes, relay_outbox
from tusd_py.monitoring.backend_metrics import BackendMetrics
from tusd_py.monitoring.checks import Check, Checks, threads_check, worker_checks
from tusd_py.monitoring.health_server import monitoring_routes, serving
from tusd_py.monitoring.registry import Metrics
from tusd_py.monitoring.traces import NoTraces, Traces, open_traces
from tusd_py.monitoring.worker_metrics import WorkerMetrics
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.siblings import Siblings
from tusd_py.wiring import open_ports
from tusd_py.worker.consumer import Consumer
from tusd_py.worker.janitor import claim_objects, find_leftovers, remove_leftovers
from tusd_py.worker.media.tools import Tools, discover
from tusd_py.worker.pipeline.scan import scanner_of

log = logging.getLogger(__name__)

SILENT_ROUNDS: Final = 4
"""After this number of missed renewals a worker is no longer shown as alive."""
CHECK_SECONDS: Final = 1.0
"""Interval at which a waiting thread checks whether it must stop."""
NOTICE_SECONDS: Final = 0.5
"""Interval at which a worker checks that its jobs are still its own.

With it, the ffmpeg of a deleted upload ends within 1 s.
"""
RESTART_SECONDS: Final = 1.0
"""Pause of a thread after an unexpected error, which is logged, before it goes on (hole 17)."""


class Worker:
    """Runs several jobs at the same time, each in a thread.

    There are ``settings.workers`` slots, at least one. While all of them are busy, one more thread
    runs light jobs. The threads wait; programs and C code do the work.
    """

    def __init__(
        self,
        settings: Settings,
        ports: Ports,
        *,
        tools: Tools | None = None,
        relays: bool = True,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
    ) -> None:
        """Prepare a worker; ``start`` begins its work.

        Args: relays: whether it publishes the outbox; a server in the same process already does.
            metrics: the registry to which it adds its metrics. traces: where its spans go.
        """
        self._settings = settings
        self._ports = ports
        self._relays = relays
        self._host = socket.gethostname()
        self._owner = f"{self._host}:{os.getpid()}:{secrets.token_hex(4)}"
        self._tools = tools or discover(settings)
        self._tools.warn()
        counted = WorkerMetrics((metrics or Metrics()).registry)
        self._counted = counted
        self._reported_times: StepTimes = counted.step_times()
        self._consumer = Consumer(
            settings,
            ports,
            self._tools,
            owner=self._owner,
            clock=ports.clock,
            metrics=counted,
            traces=traces or NoTraces(),
        )
        self._slots = max(1, settings.workers)
        counted.show_slots(self._slots, self._consumer.busy)
        counted.show_sandbox(self._tools.sandbox, weak=bool(self._tools.weakness))
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to claim jobs, first those that a dead process on this machine held.

        From then on other processes of the same user can't read this one's memory and environment.
        """
        hide_from_other_processes()
        self._take_from_dead()
        jobs = self._settings.jobs
        for number in range(self._slots):
            self._begin(f"slot-{number}", self._consume)
        self._begin("light-slot", self._consume_light)
        self._begin("renewer", self._every(jobs.renew_every, self._renew))
        self._begin("notice", self._every(NOTICE_SECONDS, self._consumer.notice_losses))
        self._begin("reaper", self._every(jobs.reap_every, self._reap))
        if self._relays:
            if (broker := self._ports.broker) is not None:
                relay = partial(relay_outbox, self._ports.catalog.jobs, broker)
                self._begin("relay", self._every(jobs.relay_every, relay))
            self._begin("outcomes", self._every(jobs.relay_every, self._publish_outcomes))
        self._begin("janitor", self._every(jobs.janitor_every, self._tidy))
        self._begin("object-janitor", self._tidy_objects)

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(
            target=self._run_until_stopped, args=(name, work), name=f"worker-{name}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _run_until_stopped(self, name: str, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except BackendError as error:
                log.warning(
                    "worker.backend.unavailable",
                    extra={"work": name, "reason": error.reason},
                    exc_info=True,
                )
                self._stopping.wait(RESTART_SECONDS)
            except Exception:
                log.exception("worker.thread.failed", extra={"work": name})
                self._stopping.wait(RESTART_SECONDS)

    def _every(self, seconds: float, work: Callable[[], object]) -> Callable[[], None]:
        def round_() -> None:
            work()
            self._stopping.wait(seconds)

        return round_

    def _consume(self) -> None:
        self._consumer.take_one()

    def _consume_light(self) -> None:
        """Run a light job while all slots are busy, so that it does not wait for a film."""
        if self._consumer.wait_until_busy(self._slots, CHECK_SECONDS):
            self._consumer.take_one((JobLane.LIGHT,))

    def _renew(self) -> None:
        """Renew the leases, then send the heartbeat, which may fail without harm to the leases."""
        self._consumer.renew()
        times = self._counted.step_times()
        new = {step: time.since(self._reported_times[step]) for step, time in times.items()}
        self._ports.catalog.operations.heartbeat(
            self._owner,
            slots=self._slots,
            times={step: time for step, time in new.items() if time.runs},
            for_seconds=SILENT_ROUNDS * self._settings.jobs.renew_every,
        )
        self._reported_times = times

    def _leave(self) -> None:
        try:
            self._ports.catalog.operations.deregister(self._owner)
        except BackendError as error:
            log.warning(
                "worker.backend.unavailable", extra={"work": "leave", "reason": error.reason}
            )

    def _publish_outcomes(self) -> None:
        publish_outcomes(self._ports.catalog.jobs, self._ports.tasks)

    def _reap(self) -> None:
        for job in self._ports.catalog.jobs.reap(max_crashes=self._settings.jobs.max_crashes):
            log.error("job.poison", extra={"task_id": job.task_id})

    def _tidy(self) -> None:
        failed_after = self._settings.jobs.keep_failed or None
        found = find_leftovers(self._ports, objects=False, failed_after=failed_after)
        remove_leftovers(self._ports, found)
        self._ports.tasks.expire()

    def _tidy_objects(self) -> None:
        """Remove unused objects, after a random pause.

        The pause keeps workers that start together from all listing the whole store at once.
        """
        claim_objects(self._ports)
        pause = random.uniform(0.0, 2 * self._settings.jobs.orphans_every)  # noqa: S311
        if not self._stopping.wait(pause):
            remove_leftovers(self._ports, find_leftovers(self._ports))

    def _take_from_dead(self) -> None:
        """End the leases of processes that no longer run on this machine, before they expire."""
        try:
            for job in self._ports.catalog.jobs.running():
                if self._is_dead(job):
                    self._ports.catalog.jobs.renew(job.task_id, fence=job.fence, lease_seconds=-1.0)
            self._reap()
        except BackendError as error:
            log.warning("worker.backend.unavailable", extra={"reason": error.reason}, exc_info=True)

    def _is_dead(self, job: Job) -> bool:
        host, _, rest = job.owner.rpartition(":")[0].rpartition(":")
        if host != self._host or not rest.isdecimal():
            return False
        try:
            os.kill(int(rest), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return int(rest) == os.getpid()

    def alive(self) -> bool:
        """Return whether every thread runs (hole 17)."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    @property
    def tools(self) -> Tools:
        """The media programs that were found at start, and the kind of their sandbox."""
        return self._tools

    def checks(self) -> list[Check]:
        """Return the checks of ``/readyz`` in a process that is only a worker."""
        scanner = scanner_of(self._settings, self._ports.clock)
        return [
            *worker_checks(
                self._ports,
                self._settings.data_dir,
                self._stopping.is_set,
                ffmpeg=self._tools.ffmpeg is not None,
                sandbox_weakness=self._tools.weakness,
                ask_scanner=None if scanner is None else scanner.version,
            ),
            threads_check(self.alive, vital=True),
        ]

    def stop(self, timeout: float) -> None:
        """Claim no more jobs, release those that run, and wait ``timeout`` seconds at most.

        Another worker continues a released job from its checkpoint.
        """
        self._stopping.set()
        self._consumer.release()
        deadline = self._ports.clock.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._ports.clock.monotonic()))
        left = [thread.name for thread in self._threads if thread.is_alive()]
        self._leave()
        if left:
            log.error("worker.stop.incomplete", extra={"threads": left})


def run(
    settings: Settings,
    *,
    announce: Callable[[str], None],
    siblings: Siblings | None = None,
    started: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
) -> int:
    """Run a worker in its own process until SIGTERM or SIGINT, and return the exit code.

    Args: announce: called with the address of the worker's metrics if ``worker_listen`` is set.
        siblings: the server processes whose jobs it runs, if it has the same parent. started:
        called once it claims jobs. stopping: called once it begins to stop.
    Raises: BackendError, OSError: the data directory or the address can't be used.
    """
    must_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: must_stop.set())
    with ExitStack() as stack:
        ports = open_ports(settings, siblings=siblings)
        stack.callback(ports.close)
        metrics = Metrics(ports.siblings)
        stack.enter_context(metrics.shared())
        traces = open_traces(wanted=settings.traces)
        stack.callback(traces.close)
        worker = Worker(settings, ports, metrics=metrics, traces=traces)
        if settings.worker_listen:
            BackendMetrics(metrics.installation, ports, ports.clock)
            answered = monitoring_routes(Checks(worker.checks()), metrics, worker.alive)
            address = stack.enter_context(
                serving(settings.worker_listen, answered, allowed_hosts=settings.allowed_hosts)
            )
            announce(f"figures    {address}/metrics")
        worker.start()
        stack.callback(worker.stop, settings.shutdown_timeout)
        stack.callback(stopping)
        exclude_from_collection()
        started()
        while not must_stop.wait(1.0):
            if not worker.alive():
                return 1
    return 0
