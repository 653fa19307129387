"""Converts a task to JSON, in the original API's spelling (requirements S4, S5, S6, S10)."""

from collections.abc import Sequence
from typing import Any

from tusd_py.clock import rfc3339
from tusd_py.domain.file import File
from tusd_py.domain.messages import message_code
from tusd_py.domain.rendition import Rendition
from tusd_py.domain.task import Task, TaskStatus


def notification(task: Task) -> dict[str, Any]:
    """Return what a subscriber gets: the members of requirement S10, then those of this project."""
    members: dict[str, Any] = {
        "task_id": task.facts.task_id,
        "status": task.status.value,
        "progress": task.progress,
        "message": task.message,
        "message_code": message_code(task),
    }
    members.update(_outcome(task))
    members.update(seq=task.seq, epoch=task.epoch, attempt=task.attempt)
    return members


def _outcome(task: Task) -> dict[str, Any]:
    if task.status is TaskStatus.PENDING and task.offset is not None:
        return {"offset": task.offset, "file_size": task.facts.file_size}
    if task.status is TaskStatus.COMPLETED:
        return {
            "repository_id": task.repository_id,
            "oss_path": task.oss_path,
            "note_codes": list(task.notes),
        }
    if task.status is TaskStatus.FAILED:
        return {
            "error": task.error_msg,
            "error_code": task.error_code,
            "last_progress": task.last_progress,
        }
    if task.queue_position is not None:
        return {"queue_position": task.queue_position}
    return {}


def progress(task: Task) -> dict[str, Any]:
    """Return the answer of the progress endpoint (requirement S4).

    Sizes are in bytes, times RFC 3339 in UTC.
    """
    return {
        **notification(task),
        "filename": task.facts.filename,
        "file_size": task.facts.file_size,
        "created_at": rfc3339(task.facts.created_at),
        "updated_at": rfc3339(task.updated_at),
    }


def of_file(file: File, renditions: Sequence[Rendition]) -> dict[str, Any]:
    """Return the members that a completed task's file adds.

    These are its facts, and the names of what can be downloaded, the main object first.
    """
    return {"facts": file.facts, "renditions": [file.main_name, *(one.name for one in renditions)]}


def list_entry(task: Task, relative_path: str) -> dict[str, Any]:
    """Return an entry of the task list (requirement S6)."""
    return {
        "task_id": task.facts.task_id,
        "filename": task.facts.filename,
        "relative_path": relative_path,
        "file_size": task.facts.file_size,
        "status": task.status.value,
        "progress": task.progress,
        "created_at": rfc3339(task.facts.created_at),
    }
