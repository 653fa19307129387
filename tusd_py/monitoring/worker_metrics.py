"""Counts in one worker: its slots, its attempts and the duration of their steps."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Literal

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import CollectorRegistry

from tusd_py.domain.job import Step
from tusd_py.domain.operation import StepTime, StepTimes

STEP_BUCKETS: Final = (0.01, 0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
OUTCOMES: Final = ("done", "retry", "moved", "failed", "lost", "released", "uncertain")
SCANS: Final = ("clean", "infected", "too_large", "unavailable")


class WorkerMetrics:
    """Counts what a worker does, from any thread."""

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
            "the job; released: the worker is stopping; uncertain: the catalog was away",
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
            "Files given to the virus scanner, by result; too_large: beyond its limit; "
            "unavailable: there was no verdict",
            ("result",),
            registry=registry,
        )
        self._sandbox = Gauge(
            "tusd_worker_sandbox",
            "1 for the kind of sandbox that ffmpeg runs in: bwrap, landlock, rlimit, off",
            ("kind",),
            registry=registry,
        )
        self._sandbox_weak = Gauge(
            "tusd_worker_sandbox_weak",
            "1: media.sandbox is auto, and the strongest sandbox does not start, or the filter of "
            "system calls is missing",
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
        """Show the number of slots; ``running`` returns the number of running attempts."""
        self._slots.set(slots)
        self._running.set_function(running)

    def show_sandbox(self, kind: str, *, weak: bool) -> None:
        """Show the kind of sandbox of ffmpeg; ``weak``: less than the settings require."""
        self._sandbox.labels(kind).set(1)
        self._sandbox_weak.set(weak)

    def attempt_ended(self, outcome: str) -> None:
        """Count an attempt that ended in one of ``OUTCOMES``."""
        self._attempts.labels(outcome).inc()

    def step(self, step: Step) -> AbstractContextManager[object]:
        """Measure a step while the block runs."""
        return self._step_seconds.labels(step.value).time()

    def step_times(self) -> StepTimes:
        """Return how often each step has run in this process, and for how long in all."""
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
        """Count a scan with one of ``SCANS``."""
        self._scans.labels(result).inc()

    def over_budget(self, when: Literal["before", "while"]) -> None:
        """Count a video that is not compressed since it takes too much processor time."""
        self._over_budget.labels(when).inc()

    def program_failed(self, cause: str) -> None:
        """Count a program for media that did not do its work."""
        self._program_failures.labels(cause).inc()

    def encoder_failed(self) -> None:
        """Count a film whose hardware encoder failed, so that x264 does its work."""
        self._encoder_failures.inc()

    def compressed(self, seconds: float) -> None:
        """Add the seconds of compressing a video, whether it succeeded or not."""
        self._ffmpeg_seconds.inc(seconds)
