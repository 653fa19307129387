"""Collects metrics of what all processes share: catalog, queue and view (requirement S23).

Each process reports the same. They are read at a scrape, at most every few seconds. A part that is
away has no metrics then, and ``tusd_scrape_error`` names it.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from tusd_py.catalog.values import DAY, HOUR, Backlog, CatalogMetrics, EndedCounts
from tusd_py.clock import Clock
from tusd_py.domain.errors import BackendError
from tusd_py.jobs.queue.port import JobQueue
from tusd_py.monitoring.probes import Probes
from tusd_py.ports import Ports

log = logging.getLogger(__name__)

CACHE_SECONDS: Final = 3.0
"""How long a result is kept, so that several scrapers cost as much as one."""
_SPANS: Final = {HOUR: "1h", DAY: "24h"}
Family = GaugeMetricFamily


class BackendMetrics(Collector):
    """Reads metrics from the backends of one process."""

    def __init__(self, registry: CollectorRegistry, ports: Ports, clock: Clock) -> None:
        self._clock = clock
        self._probes: Probes[Any] = Probes(
            {
                "catalog": ports.catalog.operations.metrics,
                "queue": lambda: _depths(ports.queue),
                "tasks": ports.tasks.memory_bytes,
            }
        )
        self._mutex = threading.Lock()
        self._cached: dict[str, Future[Any]] = {}
        self._cached_until = float("-inf")
        registry.register(self)

    def describe(self) -> list[Family]:
        """Return nothing, so that no backend is read when this is registered."""
        return []

    def collect(self) -> Iterator[Family]:
        """Return the metrics of every part that answered."""
        error = Family(
            "tusd_scrape_error",
            "1: this part gave no metrics, it can't be reached",
            labels=["part"],
        )
        for part, future in self._answers().items():
            answer = _answer(part, future)
            error.add_metric([part], 1.0 if answer is None else 0.0)
            if isinstance(answer, CatalogMetrics):
                yield from _of_catalog(answer)
            elif isinstance(answer, tuple):
                yield from _of_queue(*answer)
            elif answer is not None:
                yield Family("tusd_view_memory_bytes", "What the live view takes up", answer)
        yield error

    def _answers(self) -> dict[str, Future[Any]]:
        with self._mutex:
            if self._clock.monotonic() >= self._cached_until:
                self._cached = self._probes.run()
                self._cached_until = self._clock.monotonic() + CACHE_SECONDS
            return self._cached


def _depths(queue: JobQueue) -> tuple[int, int]:
    # This fails at once if the queue was away a moment ago, whereas the depth waits for it.
    queue.check()
    return queue.depth(), queue.dead_depth()


def _answer(part: str, future: "Future[Any]") -> Any:  # noqa: ANN401  (by part)
    """Return what a part answered; None if it is away."""
    if not future.done():
        return None
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, BackendError):
        log.error("figures.crashed", extra={"part": part}, exc_info=error)
    return None


def _of_queue(waiting: int, dead: int) -> Iterator[Family]:
    yield Family("tusd_queue_messages", "Messages in RabbitMQ; without it, jobs that wait", waiting)
    yield Family("tusd_queue_dead_messages", "Messages that could not be read", dead)


def _of_catalog(found: CatalogMetrics) -> Iterator[Family]:
    jobs = Family(
        "tusd_jobs", "Jobs that are not done; failed ones are dead letters", labels=["state"]
    )
    jobs.add_metric(["queued"], found.queued)
    jobs.add_metric(["running"], found.running)
    jobs.add_metric(["failed"], found.dead_letters)
    yield jobs
    yield Family("tusd_jobs_due", "Queued jobs that could begin now", found.due.rows)
    yield Family(
        "tusd_jobs_due_oldest_seconds",
        "How long the oldest of them has been due",
        found.due.oldest_seconds,
    )
    yield Family("tusd_uploads_open", "Uploads whose bytes are arriving", found.open_uploads)
    yield from _of_outbox(found.outbox)
    yield from _of_ended(found.ended)
    if found.processing_seconds is not None:
        yield Family(
            "tusd_processing_mean_seconds",
            "Mean time from a job's first claim to its end, of jobs completed in the last hour",
            found.processing_seconds,
        )


def _of_outbox(outbox: Mapping[str, Backlog]) -> Iterator[Family]:
    rows = Family("tusd_outbox_rows", "Rows that are due and not passed on", labels=["kind"])
    oldest = Family(
        "tusd_outbox_oldest_seconds", "How long the oldest of them has been due", labels=["kind"]
    )
    for kind, waiting in outbox.items():
        rows.add_metric([kind], waiting.rows)
        oldest.add_metric([kind], waiting.oldest_seconds)
    yield from (rows, oldest)


def _of_ended(ended: Mapping[float, EndedCounts]) -> Iterator[Family]:
    tasks = Family(
        "tusd_tasks_ended", "Tasks that ended in the last hour or day", labels=["outcome", "span"]
    )
    ratio = Family(
        "tusd_tasks_success_ratio", "Share of them that was completed, 0 to 1", labels=["span"]
    )
    for seconds, found in ended.items():
        span = _SPANS[seconds]
        tasks.add_metric(["completed", span], found.completed)
        tasks.add_metric(["failed", span], found.failed)
        if found.success_ratio is not None:
            ratio.add_metric([span], found.success_ratio)
    yield from (tasks, ratio)
