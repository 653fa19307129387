"""Writes the state of a task into the view while the pipeline runs."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.errors import BackendError
from tusd_py.domain.job import Job
from tusd_py.domain.task import TaskChange, TaskStatus
from tusd_py.tasks.from_records import facts_of
from tusd_py.tasks.port import TaskView

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 0.5
"""Shortest time between two reports of progress within a state; it grows by whole percents."""


class Reporter:
    """Reports the state of one attempt. A report may fail: the next one holds the whole state."""

    def __init__(self, view: TaskView, job: Job, clock: Clock) -> None:
        self._view = view
        self._facts = facts_of(job)
        self._attempt = job.fence
        self._quiet = job.checkpoint.again
        """Whether only the result is shown: a completed task that runs again stays completed."""
        self._clock = clock
        self._status = TaskStatus.PROCESSING
        self._progress = -1
        self._sent_at = float("-inf")

    def report(self, status: TaskStatus, progress: int, message: str = "") -> None:
        """Report a new state or text at once."""
        self._put(TaskChange(status=status, progress=progress, message=message))

    def report_progress(self, status: TaskStatus, progress: int, message: str) -> None:
        """Report progress within a state if it has grown and ``INTERVAL_SECONDS`` have passed."""
        now = self._clock.monotonic()
        if progress > self._progress and now - self._sent_at >= INTERVAL_SECONDS:
            self.report(status, progress, message)

    def report_waiting(self, message: str) -> None:
        """Report that another attempt follows; state and progress stay (requirement S7)."""
        self.report(self._status, max(self._progress, 0), message)

    def completed(
        self, message: str, *, oss_path: str, repository_id: str, notes: Sequence[str] = ()
    ) -> None:
        """Report the final state. Args: notes: codes of ``domain.notes.Note``."""
        self._put(
            TaskChange(
                status=TaskStatus.COMPLETED,
                progress=100,
                message=message,
                oss_path=oss_path,
                repository_id=repository_id,
                again=self._quiet,
                notes=tuple(notes),
            )
        )

    def failed(self, *, code: str, sentence: str, message: str = "") -> None:
        """Report the failure with a code and a sentence, never with a program's output (hole 8)."""
        self._put(
            TaskChange(
                status=TaskStatus.FAILED,
                progress=0,
                message=message,
                error_code=code,
                error_msg=sentence,
            )
        )

    def _put(self, change: TaskChange) -> None:
        if self._quiet and change.status is not TaskStatus.COMPLETED:
            return
        self._status, self._progress = change.status, change.progress
        self._sent_at = self._clock.monotonic()
        report = replace(change, attempt=self._attempt, reopen=True)
        try:
            self._view.put(self._facts, report)
        except BackendError as error:
            log.warning(
                "task.put.failed", extra={"task_id": self._facts.task_id, "reason": error.reason}
            )
