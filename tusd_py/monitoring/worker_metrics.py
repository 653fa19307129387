"""Figures of one worker: its slots, its attempts and how long their steps take."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import CollectorRegistry

from tusd_py.domain.job import Step
from tusd_py.domain.operation import StepTime, StepTimes

STEP_BUCKETS: Final = (0.01, 0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
OUTCOMES: Final = ("done", "retry", "moved", "failed", "lost", "released", "unsettled")
SCANS: Final = ("clean", "infected", "too_large", "unavailable")


class WorkerMetrics:
    """What a worker counts; from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._slots = Gauge(
            "tusd_worker_slots", "Jobs that can run at the same time", registry=registry
        )
        self._running = Gauge(
            "tusd_worker_attempts_running", "Attempts under way", registry=registry
        )
        self._attempts = Counter(
            "tusd_worker_attempts",
            "Attempts that ended: done; retry: again later; moved: to the heavy lane, "
            "again when its turn has come; failed: a dead letter; lost: another has "
            "the job; released: the worker is stopping; unsettled: the catalog was away",
            ("outcome",),
            registry=registry,
        )
        self._step_seconds = Histogram(
            "tusd_worker_step_seconds",
            "Duration of the pipeline's steps, failed ones too",
            ("step",),
            registry=registry,
            buckets=STEP_BUCKETS,
        )
        self._ffmpeg_seconds = Counter(
            "tusd_worker_ffmpeg_seconds", "Time spent compressing videos", registry=registry
        )
        self._scans = Counter(
            "tusd_worker_scans",
            "Files given to the virus scanner, by what came of it; too_large: beyond its limit; "
            "unavailable: there was no verdict",
            ("result",),
            registry=registry,
        )
        self._sandbox = Gauge(
            "tusd_worker_sandbox",
            "1 for the kind of box that ffmpeg runs in: bwrap, landlock, rlimit, off",
            ("kind",),
            registry=registry,
        )
        self._sandbox_weak = Gauge(
            "tusd_worker_sandbox_weak",
            "1: media.sandbox is auto, and the strongest box does not start, or the filter of system "
            "calls is missing",
            registry=registry,
        )
        self._over_budget = Counter(
            "tusd_worker_over_budget",
            "Videos that were not compressed because it takes too much processor time: before: by "
            "estimate; while: it was used up",
            ("when",),
            registry=registry,
        )
        self._encoder_failures = Counter(
            "tusd_worker_encoder_failures",
            "Films whose hardware encoder failed, so that x264 made their web copy",
            registry=registry,
        )
        self._program_failures = Counter(
            "tusd_worker_program_failures",
            "Programs for media that did not do their work, by cause: killed, out_of_memory, hung, "
            "crashed are tried once more; disk_full, program_missing, sandbox_failed wait",
            ("cause",),
            registry=registry,
        )
        for when in ("before", "while"):
            self._over_budget.labels(when)
        for result in SCANS:
            self._scans.labels(result)
        for outcome in OUTCOMES:
            self._attempts.labels(outcome)
        for step in Step:
            self._step_seconds.labels(step.value)

    def show_slots(self, slots: int, running: Callable[[], int]) -> None:
        """There are so many; ``running`` is asked for the attempts under way."""
        self._slots.set(slots)
        self._running.set_function(running)

    def show_sandbox(self, kind: str, *, weak: bool) -> None:
        """Ffmpeg runs in a box of this kind; ``weak``: less than the settings ask for."""
        self._sandbox.labels(kind).set(1)
        self._sandbox_weak.set(weak)

    def attempt_ended(self, outcome: str) -> None:
        """An attempt ended in one of ``OUTCOMES``."""
        self._attempts.labels(outcome).inc()

    def step(self, step: Step) -> AbstractContextManager[object]:
        """A step runs, for the length of a block."""
        return self._step_seconds.labels(step.value).time()

    def step_times(self) -> StepTimes:
        """How often each step has run in this process, and how long in all."""
        found = {
            (sample.name, sample.labels["step"]): sample.value
            for family in self._step_seconds.collect()
            for sample in family.samples
            if "step" in sample.labels
        }
        name = "tusd_worker_step_seconds"
        return {
            step: StepTime(
                int(found[f"{name}_count", step.value]), found[f"{name}_sum", step.value]
            )
            for step in Step
        }

    def scanned(self, result: str) -> None:
        """A scan came to one of ``SCANS``."""
        self._scans.labels(result).inc()

    def over_budget(self, when: Literal["before", "while"]) -> None:
        """A video is not compressed for the processor time that it takes."""
        self._over_budget.labels(when).inc()

    def program_failed(self, cause: str) -> None:
        """A program for media did not do its work."""
        self._program_failures.labels(cause).inc()

    def encoder_failed(self) -> None:
        """A film's hardware encoder failed: x264 does its work."""
        self._encoder_failures.inc()

    def compressed(self, seconds: float) -> None:
        """A video was compressed, or could not be, in so long."""
        self._ffmpeg_seconds.inc(seconds)
