"""Reads a task's state from Redis, to which any program with the password may have written."""

import math
from collections.abc import Mapping
from typing import Any, Final

from tusd_py.domain.ids import UploadId, UserId, parse_upload_id
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

MAX_TIME_SECONDS: Final = 253402300800.0
"""The year 10000, which RFC 3339 cannot express."""


class UnreadableState(ValueError):
    """Raised when a hash or a message of Redis is no state of a task."""


def read_message(payload: object) -> Task:
    """Read the state that a channel published, as JSON. Raises: UnreadableState."""
    if not isinstance(payload, str | bytes):
        raise UnreadableState("not a text")
    try:
        found = read_json_object(payload)
    except NotAJsonObject as error:
        raise UnreadableState("not JSON") from error
    return read_state(found)


def read_state(found: Mapping[str, Any]) -> Task:
    """Read the state from the fields of a hash. Raises: UnreadableState."""
    try:
        task_id = parse_upload_id(found["task_id"])
        if task_id is None:
            raise UnreadableState("not the identity of a task")
        return Task(
            facts=_facts(task_id, found),
            status=TaskStatus(found["status"]),
            progress=int(found["progress"]),
            message=str(found["message"]),
            attempt=int(found["attempt"]),
            epoch=str(found["epoch"]),
            seq=int(found["seq"]),
            updated_at=_time(found["updated"]),
            error_code=str(found["error_code"]),
            error_msg=str(found["error_msg"]),
            oss_path=str(found["oss_path"]),
            repository_id=str(found["repository_id"]),
            last_progress=int(found["last_progress"]),
            # A server of an earlier version writes none.
            notes=tuple(str(found.get("notes", "")).split()),
            offset=_number(found.get("offset", "")),
        )
    except UnreadableState:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UnreadableState("not a state of a task") from error


def _number(text: object) -> int | None:
    """Read a number that may be missing. Raises: ValueError."""
    return int(str(text)) if text != "" else None


def _facts(task_id: UploadId, found: Mapping[str, Any]) -> TaskFacts:
    return TaskFacts(
        task_id=task_id,
        user_id=UserId(int(found["user_id"])),
        filename=str(found["filename"]),
        file_size=int(found["file_size"]),
        created_at=_time(found["created"]),
        file_hash=str(found["file_hash"]),
        temp_path=str(found["temp_path"]),
    )


def _time(text: object) -> float:
    """Read unix seconds (UTC) that a calendar can hold. Raises: UnreadableState, ValueError."""
    seconds = float(str(text))
    if not math.isfinite(seconds) or not 0 <= seconds < MAX_TIME_SECONDS:
        raise UnreadableState("not a time")
    return seconds
