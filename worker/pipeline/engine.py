"""The table of steps, and the step at which an attempt begins."""

from collections.abc import Callable
from typing import Final

from tusd_py.domain.job import Checkpoint, Step
from tusd_py.domain.rendition import ProducedFile
from tusd_py.domain.task import CLAIMED_PROGRESS, TEXT_STARTED, TaskStatus
from tusd_py.worker.failpoints import failpoint
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.clean_up import clean_up
from tusd_py.worker.pipeline.fetch_source import fetch_source
from tusd_py.worker.pipeline.hashes import file_hash
from tusd_py.worker.pipeline.inspect import inspect
from tusd_py.worker.pipeline.make import make
from tusd_py.worker.pipeline.record import record
from tusd_py.worker.pipeline.scan import scan
from tusd_py.worker.pipeline.store_object import store_object

STEPS: Final[tuple[tuple[Step, Callable[[Attempt], None]], ...]] = (
    (Step.INSPECT, inspect),
    (Step.SCAN, scan),
    (Step.TRANSCODE, make),
    (Step.STORE, store_object),
    (Step.RECORD, record),
    (Step.CLEAN_UP, clean_up),
)

_UNLESS_HELD: Final = (Step.SCAN, Step.TRANSCODE, Step.STORE)


def run_steps(attempt: Attempt) -> None:
    """Run the steps of a claimed job, from the checkpoint of an earlier attempt.

    Raises: TransientError, OutOfResources, PermanentError, LeaseLost, BackendError; WorkerStopping.
    """
    attempt.reporter.report(TaskStatus.PROCESSING, CLAIMED_PROGRESS, TEXT_STARTED)
    begin = resume_point(attempt)
    if attempt.job.checkpoint.again:
        fetch_source(attempt)
    for step, work in STEPS:
        if _order(step) < _order(begin) or (attempt.held and step in _UNLESS_HELD):
            continue
        failpoint(f"before_{step.value}")
        attempt.lease.check()
        with attempt.metrics.step(step), attempt.traces.span(step.value):
            work(attempt)
    failpoint("after_all")


def _order(step: Step) -> int:
    return [name for name, _ in STEPS].index(step)


def resume_point(attempt: Attempt) -> Step:
    """Return the step to begin with, and set the attempt's checkpoint.

    Verified outputs are used again if their bytes are unchanged. Otherwise all steps are done
    again, since the source is still there.
    """
    saved = attempt.job.checkpoint
    if saved.step is Step.STORE and all(_is_whole(attempt, made) for made in saved.outputs):
        attempt.checkpoint = saved
        return Step.STORE
    attempt.checkpoint = Checkpoint(
        again=saved.again,
        program_failed=saved.program_failed,
        as_it_is=saved.as_it_is,
    )
    return Step.INSPECT


def _is_whole(attempt: Attempt, made: ProducedFile) -> bool:
    try:
        return file_hash(attempt.output(made), attempt.lease.check) == made.hash
    except OSError:
        return False
