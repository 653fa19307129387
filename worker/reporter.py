"""Telling a task's followers what the pipeline does."""

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
"""Progress within a state is told at most twice a second, and only by whole percents."""


class Reporter:
    """One attempt's voice. The view may fail: the next report repairs it."""

    def __init__(self, view: TaskView, job: Job, clock: Clock) -> None:
        self._view = view
        self._facts = facts_of(job)
        self._attempt = job.fence
        self._quiet = job.checkpoint.again
        """A completed task that is processed again stays completed: only the new result is shown."""
        self._clock = clock
        self._status = TaskStatus.PROCESSING
        self._progress = -1
        self._sent_at = float("-inf")

    def report(self, status: TaskStatus, progress: int, message: str = "") -> None:
        """A new state or text: told at once."""
        self._put(TaskChange(status=status, progress=progress, message=message))

    def report_progress(self, status: TaskStatus, progress: int, message: str) -> None:
        """Progress within a state: told if it is worth it."""
        now = self._clock.monotonic()
        if progress > self._progress and now - self._sent_at >= INTERVAL_SECONDS:
            self.report(status, progress, message)

    def report_waiting(self, message: str) -> None:
        """The attempt is over and another follows: state and progress stay as they are (requirement S7)."""
        self.report(self._status, max(self._progress, 0), message)

    def completed(
        self, message: str, *, oss_path: str, repository_id: str, notes: Sequence[str] = ()
    ) -> None:
        """Show the final state; ``notes``: codes of ``domain.notes.Note``."""
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
        """The other final state: a code and a sentence, never a tool's words (hole 8)."""
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
        told = replace(change, attempt=self._attempt, reopen=True)
        try:
            self._view.put(self._facts, told)
        except BackendError:
            log.warning("task.put.failed", extra={"task_id": self._facts.task_id})
