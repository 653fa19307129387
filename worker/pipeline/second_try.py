"""A program's failure says nothing about the file: its work is done once more, with one thread."""

import logging
import shutil
from collections.abc import Callable
from typing import TypeVar

from tusd_py.domain.errors import OutOfResources
from tusd_py.domain.notes import Note
from worker.media.causes import Blame, ToolFailed, cause_of_overrun
from worker.media.run import WallTimeExceeded
from worker.pipeline.attempt import Attempt
from worker.pipeline.kept import keep_what_was_made

log = logging.getLogger(__name__)

T = TypeVar("T")


def with_second_try(attempt: Attempt, work: Callable[[], T]) -> T:
    """Return what ``work`` returns. It takes its threads and memory from ``attempt.share``, and begins with
    an empty work folder.

    Raises: ToolFailed: with a cause that is the file's, or a limit's, or the program's for the second
        time; OutOfResources: the deployment has to be mended first; LeaseLost, WorkerStopping; what
        ``work`` raises.
    """
    while True:
        try:
            return work()
        except WallTimeExceeded as error:
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
    """Return what the user reads of work that will not be done again, where the rest of the file's is done.

    Raises: ToolFailed: it is to be done again, or the deployment is to be mended first; Permanent: as
        ``keep_what_was_made``; LeaseLost, WorkerStopping.
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
