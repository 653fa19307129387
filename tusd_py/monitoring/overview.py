"""Collects the state of a deployment for operators, as JSON (requirement S23)."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, Final

from tusd_py.catalog.values import DAY, HOUR, CatalogMetrics, EndedCounts
from tusd_py.clock import rfc3339
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Job, Step
from tusd_py.domain.operation import Storage
from tusd_py.domain.task import Task
from tusd_py.monitoring.probes import Probes
from tusd_py.ports import Ports

FAILURES: Final = 100
"""Number of failed jobs and of messages that are shown at most, the newest; the count is of all."""
STEP_HOURS: Final = 24
STORAGE_SECONDS: Final = 5.0
STORAGE_SHARE: Final = 0.01
"""Share of the time in which the storage is counted, since that reads the whole pool.

A result is kept for 5 s, or longer until the count takes 1 % of the time.
"""
PREVIEW_BYTES: Final = 80
Json = dict[str, Any]


class Overview:
    """Reads the state behind one process, from all parts at once."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._storage = _Cached(ports.catalog.operations.storage, ports.clock.monotonic)
        self._probes: Probes[Json] = Probes(
            {
                "catalog": self._of_catalog,
                "queue": self._of_queue,
                "workers": self._of_workers,
                "storage": lambda: {"storage": asdict(self._storage.value())},
            },
            limit_seconds=5.0,
        )

    def read(self) -> Json:
        """Return all that answers within 5 s; ``away`` names the parts that did not. Blocks."""
        found: Json = {"at": rfc3339(self._ports.clock.now()), "away": []}
        for part, future in self._probes.run().items():
            answer = _answer(future)
            if answer is None:
                found["away"].append(part)
            else:
                found |= answer
        return found

    def _of_catalog(self) -> Json:
        catalog = self._ports.catalog
        times = catalog.operations.step_times(hours=STEP_HOURS)
        metrics = catalog.operations.metrics()
        return {
            **_of_figures(metrics),
            "steps": [
                {
                    "step": step.value,
                    "runs": times[step].runs,
                    "mean_seconds": times[step].mean_seconds,
                }
                for step in Step
                if step in times
            ],
            "failures": [_failure(job) for job in catalog.jobs.dead_letters(FAILURES)],
        }

    def _of_queue(self) -> Json:
        """Return the messages in RabbitMQ; without it the waiting jobs are the queue."""
        if self._ports.broker is None:
            return {"queue": None, "dead_letters": []}
        queue = self._ports.queue
        queue.check()
        letters = queue.dead_letters()[-FAILURES:]
        return {
            "queue": {"messages": queue.depth(), "dead_messages": queue.dead_depth()},
            "dead_letters": [
                {"id": letter.id, "reason": letter.reason, "preview": preview(letter.payload)}
                for letter in letters
            ],
        }

    def _of_workers(self) -> Json:
        held: defaultdict[str, list[Json]] = defaultdict(list)
        running = self._ports.catalog.jobs.running()
        live = self._live(running)
        for job in running:
            held[job.owner].append(_running(job, live.get(job.task_id)))
        workers = [
            {
                "name": seen.owner,
                "slots": seen.slots,
                "started_at": rfc3339(seen.started_at),
                "seen_at": rfc3339(seen.seen_at),
                "jobs": held.pop(seen.owner, []),
            }
            for seen in self._ports.catalog.operations.workers()
        ]
        silent = [
            {"name": owner, "slots": 0, "started_at": None, "seen_at": None, "jobs": jobs}
            for owner, jobs in sorted(held.items())
        ]
        return {"workers": workers + silent}

    def _live(self, jobs: Sequence[Job]) -> Mapping[UploadId, Task]:
        """Return what the view shows of the jobs; jobs that it does not show are left out."""
        found = {}
        try:
            for job in jobs:
                task = self._ports.tasks.get(job.task_id)
                if task is not None:
                    found[job.task_id] = task
        except BackendError:
            return found
        return found


class _Cached:
    """Keeps an expensive value for some time."""

    def __init__(self, read: Callable[[], Storage], monotonic: Callable[[], float]) -> None:
        self._read, self._monotonic = read, monotonic
        self._mutex = threading.Lock()
        self._value: Storage | None = None
        self._until = float("-inf")

    def value(self) -> Storage:
        with self._mutex:
            begun = self._monotonic()
            if self._value is None or begun >= self._until:
                self._value = self._read()
                took = self._monotonic() - begun
                self._until = begun + took + max(STORAGE_SECONDS, took / STORAGE_SHARE)
            return self._value


def _answer(future: "Future[Json]") -> Json | None:
    """Return what a part answered; None if it is away. Raises: any other error, which is a bug."""
    if not future.done() or isinstance(future.exception(), BackendError):
        return None
    return future.result()


def preview(payload: bytes) -> str:
    """Return the beginning of a message, printable in any case."""
    return ascii(payload[:PREVIEW_BYTES].decode("utf-8", "replace"))[1:-1]


def _of_figures(found: CatalogMetrics) -> Json:
    return {
        "jobs": {
            "queued": found.queued,
            "running": found.running,
            "failed": found.dead_letters,
            "due": found.due.rows,
            "oldest_due_seconds": found.due.oldest_seconds,
        },
        "open_uploads": found.open_uploads,
        "processing_seconds": found.processing_seconds,
        "ended": {"hour": _ended(found.ended[HOUR]), "day": _ended(found.ended[DAY])},
    }


def _ended(found: EndedCounts) -> Json:
    return {
        "completed": found.completed,
        "failed": found.failed,
        "success_ratio": found.success_ratio,
    }


def _facts(job: Job) -> Json:
    return {
        "task_id": job.task_id,
        "user_id": job.user_id,
        "filename": job.filename,
        "file_size": job.file_size,
        "created_at": rfc3339(job.created_at),
    }


def _failure(job: Job) -> Json:
    return {
        **_facts(job),
        "attempts": job.attempts,
        "crashes": job.crash_count,
        "code": job.error_code,
        "error": job.error_msg,
    }


def _running(job: Job, task: Task | None) -> Json:
    return {
        **_facts(job),
        "status": task.status.value if task else None,
        "progress": task.progress if task else None,
        "message": task.message if task else None,
    }
