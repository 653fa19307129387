"""Defines codes of the texts that a task shows: clients translate by code, the texts are Chinese.

A failed task's code is that of its error, ``error_code``.
"""

from collections.abc import Mapping
from typing import Final

from tusd_py.domain.task import (
    STATUS_TEXTS,
    TEXT_ACCEPTED,
    TEXT_COMPLETED,
    TEXT_COMPRESSED,
    TEXT_COMPRESSING,
    TEXT_INSTANT,
    TEXT_PICTURE,
    TEXT_RETRYING,
    TEXT_SCANNING,
    TEXT_SOUND,
    TEXT_STARTED,
    TEXT_STORED,
    TEXT_STORING,
    TEXT_WAITING,
    Task,
    TaskStatus,
)

MESSAGE_CODES: Final[Mapping[str, str]] = {
    **{text: status.value for status, text in STATUS_TEXTS.items()},
    TEXT_ACCEPTED: "received",
    TEXT_STARTED: "started",
    TEXT_SCANNING: "scanning",
    TEXT_COMPRESSING: "compressing",
    TEXT_PICTURE: "processing_picture",
    TEXT_COMPRESSED: "compressed",
    TEXT_SOUND: "processing_sound",
    TEXT_STORING: "storing",
    TEXT_STORED: "recording",
    TEXT_COMPLETED: "completed",
    TEXT_INSTANT: "instant",
    TEXT_WAITING: "waiting_for_resources",
}


def message_code(task: Task) -> str:
    """Return the stable code of what a task shows."""
    if task.status is TaskStatus.FAILED:
        return task.error_code or task.status.value
    if task.message.startswith(TEXT_RETRYING):
        return "retrying"
    # Notes may follow the text of a completed task: each has a code of its own.
    return MESSAGE_CODES.get(task.message, task.status.value)
