"""Step 5: records the file in pool, history, upload and job in one transaction, then reports it."""

from tusd_py.domain.errors import BackendError, TransientError
from tusd_py.domain.file import File
from tusd_py.domain.notes import completed_text
from tusd_py.domain.task import (
    STORED_PROGRESS,
    TEXT_RECORD_FAILED,
    TEXT_STORED,
    TaskStatus,
)
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.ownership_windows import draw_questions


def record(attempt: Attempt) -> None:
    """Complete the job with its file in the pool.

    Raises: LeaseLost: nothing was changed; TransientError.
    """
    if not attempt.held:
        draw_questions(attempt)
        attempt.reporter.report(TaskStatus.UPLOADING_OSS, STORED_PROGRESS, TEXT_STORED)
    file = _complete(attempt)
    attempt.lease.close()
    notes = attempt.checkpoint.notes
    attempt.reporter.completed(
        completed_text(notes),
        oss_path=file.path,
        repository_id=file.identity,
        notes=notes,
    )


def _complete(attempt: Attempt) -> File:
    try:
        return attempt.ports.catalog.jobs.complete(
            attempt.job.task_id, fence=attempt.job.fence, stored=attempt.stored
        )
    except BackendError as error:
        raise TransientError(
            "The file's record could not be saved.", message=TEXT_RECORD_FAILED
        ) from error
