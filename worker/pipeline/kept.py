"""Nothing of the user's is thrown away for our failure: a file that nothing can be made of is kept."""

from typing import Final

from tusd_py.domain.errors import PermanentError
from tusd_py.domain.notes import NOTE_TEXTS, Note
from tusd_py.domain.task import TEXT_COMPRESSION_FAILED, TEXT_PROCESSING_FAILED
from worker.pipeline.attempt import Attempt
from worker.pipeline.produced import Produced

KEPT: Final = "，保留原文件"
"""What the text of a note ends with that is a reason for keeping the original."""


def kept(attempt: Attempt, note: Note) -> Produced:
    """Return that nothing was made, and why.

    Raises: Permanent: the settings say that the task fails then; LeaseLost, WorkerStopping.
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
    """End an attempt that processes a file again: what was made before is not given up for our failure.

    Raises: Permanent, if it is such an attempt.
    """
    if attempt.job.checkpoint.again:
        raise PermanentError("The file could not be processed again.", code="processing_failed")
