"""Repeats work once, with one thread, after a program failed through no fault of the file."""

import logging
import shutil
from collections.abc import Callable
from typing import TypeVar

from tusd_py.domain.errors import OutOfResources
from tusd_py.domain.notes import Note
from tusd_py.worker.media.causes import Blame, ToolFailed, cause_of_overrun
from tusd_py.worker.media.run import LimitExceeded
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.kept import keep_what_was_made

log = logging.getLogger(__name__)

T = TypeVar("T")


def with_second_try(attempt: Attempt, work: Callable[[], T]) -> T:
    """Return the result of ``work``, which is called again after a first failure of its program.

    ``work`` takes its threads and memory from ``attempt.share``, and begins with an empty work
    folder.

    Raises: ToolFailed: the file or a limit is the cause, or the program failed for the second time;
        OutOfResources: the deployment has to be repaired first; LeaseLost, WorkerStopping; what
        ``work`` raises.
    """
    while True:
        try:
            return work()
        except LimitExceeded as error:
            failed = ToolFailed(cause_of_overrun(error))
        except ToolFailed as error:
            failed = error
        attempt.lease.check()
        cause = failed.cause
        attempt.metrics.program_failed(cause.value)
        if cause.blame is Blame.DEPLOYMENT:
            raise OutOfResources(f"The worker can't process files now ({cause.value}).")
        if cause.blame is not Blame.PROGRAM or attempt.checkpoint.program_failed:
            raise failed
        log.warning(
            "media.second_try", extra={"task_id": attempt.job.task_id, "cause": cause.value}
        )
        attempt.save(program_failed=True)
        shutil.rmtree(attempt.work_dir, ignore_errors=True)


def final_note(attempt: Attempt, failed: ToolFailed) -> Note:
    """Return the note for a failed part of the work that is not repeated.

    The other work on the file goes on.

    Raises: ToolFailed: the work is repeated, or the deployment has to be repaired first;
        PermanentError: as ``keep_what_was_made``; LeaseLost, WorkerStopping.
    """
    attempt.lease.check()
    cause = failed.cause
    is_last = cause.blame is not Blame.PROGRAM or attempt.checkpoint.program_failed
    if cause.blame is Blame.DEPLOYMENT or not is_last:
        raise failed
    if cause.blame is not Blame.FILE:
        keep_what_was_made(attempt)
    attempt.metrics.program_failed(cause.value)
    return cause.note
