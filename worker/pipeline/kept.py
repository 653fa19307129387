"""Keeps files of which nothing can be made: a failure of ours loses no file of a user."""

from typing import Final

from tusd_py.domain.errors import PermanentError
from tusd_py.domain.notes import NOTE_TEXTS, Note
from tusd_py.domain.task import TEXT_COMPRESSION_FAILED, TEXT_PROCESSING_FAILED
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.produced import Produced

KEPT: Final = "，保留原文件"
"""End of the text of a note that is a reason to keep the original."""


def kept(attempt: Attempt, note: Note) -> Produced:
    """Return the result of a file of which nothing was made, with the reason as its note.

    Raises: PermanentError: by the settings the task fails then; LeaseLost, WorkerStopping.
    """
    attempt.lease.check()
    if attempt.settings.media.on_failure == "fail":
        text = TEXT_COMPRESSION_FAILED if attempt.family == "video" else TEXT_PROCESSING_FAILED
        raise PermanentError(
            "The file could not be processed.",
            code="compression_failed",
            message=f"{text}{NOTE_TEXTS[note].partition(KEPT)[0]}",
        )
    return Produced(notes=(note,))


def keep_what_was_made(attempt: Attempt) -> None:
    """End the attempt if it processes a file again, so that our failure replaces nothing stored.

    Raises: PermanentError: it is such an attempt.
    """
    if attempt.job.checkpoint.again:
        raise PermanentError("The file could not be processed again.", code="processing_failed")
