"""Draws questions for ownership proofs of a content while its bytes are on this machine."""

from typing import Final

from tusd_py.domain.ownership_windows import draw_question
from tusd_py.file_pieces import range_reader
from tusd_py.worker.pipeline.attempt import Attempt

QUESTIONS: Final = 32
"""Number of questions that are kept for one content.

When they are used up, the next client uploads the bytes, and new questions are drawn: 32 times 257
reads of 4 KiB, which take 50 ms from the page cache.
"""


def draw_questions(attempt: Attempt) -> None:
    """Draw the missing questions if ownership proofs are used here. Raises: OSError, LeaseLost."""
    instant, job = attempt.settings.instant, attempt.job
    if instant.scope not in ("tenant", "global") or job.file_size < max(1, instant.min_size):
        return
    missing = QUESTIONS - attempt.ports.catalog.ownership.questions(job.file_hash)
    if missing <= 0:
        return
    with attempt.source.open("rb", buffering=0) as source:
        read, questions = range_reader(source.fileno()), []
        for _ in range(missing):
            questions.append(draw_question(job.file_size, read))
            attempt.lease.check()
    attempt.ports.catalog.ownership.add_questions(job.file_hash, questions)
