"""Builds a task from the durable records, for when the live view does not have it."""

from dataclasses import replace
from typing import Final

from tusd_py.catalog.values import HistoryRow, Outcome
from tusd_py.domain.job import Job
from tusd_py.domain.notes import completed_text
from tusd_py.domain.task import (
    COMPLETED_PROGRESS,
    RECEIVED_PROGRESS,
    STATUS_TEXTS,
    Task,
    TaskFacts,
    TaskStatus,
    failure_text,
)
from tusd_py.domain.upload import Upload

EPOCH: Final = "0"
"""Epoch of a task that is built from records. Every epoch of a real view counts as newer."""
_PROGRESS: Final = {
    TaskStatus.PENDING: 0,
    TaskStatus.COMPLETED: COMPLETED_PROGRESS,
    TaskStatus.FAILED: 0,
}


def facts_of(job: Job) -> TaskFacts:
    """Return the facts of a job's task."""
    return TaskFacts(
        task_id=job.task_id,
        user_id=job.user_id,
        filename=job.filename,
        file_size=job.file_size,
        created_at=job.created_at,
        file_hash=job.file_hash,
        temp_path=job.temp_path,
    )


def task_of_history(row: HistoryRow) -> Task:
    """Return the task as received or ended. Only the live view has the states in between."""
    status = TaskStatus(row.status)
    return Task(
        facts=TaskFacts(
            task_id=row.task_id,
            user_id=row.user_id,
            filename=row.filename,
            file_size=row.file_size,
            created_at=row.created_at,
            file_hash=row.file_hash,
        ),
        status=status,
        progress=_PROGRESS.get(status, RECEIVED_PROGRESS),
        message=STATUS_TEXTS[status],
        attempt=0,
        epoch=EPOCH,
        seq=status.rank,
        updated_at=row.completed_at or row.created_at,
        error_msg=row.error_msg,
        oss_path=row.oss_path,
        repository_id=row.repository_identity,
    )


def newer_of(record: Task, shown: Task | None) -> Task:
    """Return the newer of a task's state by its record and by the view.

    The view is ahead of the record, unless it has missed the end. The time of creation, by which
    tasks are in order, is the record's.
    """
    if shown is None or (record.status.terminal and not shown.status.terminal):
        return record
    return replace(shown, facts=replace(shown.facts, created_at=record.facts.created_at))


def task_of_outcome(outcome: Outcome) -> Task:
    """Return the task as ``task_of_history`` does, with the reason or the notes of its end."""
    task = task_of_history(outcome.history)
    if task.status is TaskStatus.FAILED:
        return replace(
            task, error_code=outcome.error_code, message=failure_text(outcome.error_code)
        )
    if task.status is TaskStatus.COMPLETED:
        return replace(task, message=completed_text(outcome.notes), notes=outcome.notes)
    return task


def task_of_upload(upload: Upload, offset: int) -> Task:
    """Return the task of an upload in progress, which has ``offset`` bytes so far."""
    return Task(
        facts=TaskFacts(
            task_id=upload.id,
            user_id=upload.user_id,
            filename=upload.filename,
            file_size=upload.length if upload.length is not None else offset,
            created_at=upload.created_at,
        ),
        status=TaskStatus.PENDING,
        progress=RECEIVED_PROGRESS * offset // upload.length if upload.length else 0,
        message=STATUS_TEXTS[TaskStatus.PENDING],
        attempt=0,
        epoch=EPOCH,
        seq=0,
        updated_at=upload.created_at,
    )
