"""Converts rows to values and back, except rows of uploads (``upload_rows``).

Only these two modules know how the database holds a value.
"""

import json
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any, Final

from tusd_py.catalog.fast_statement import Row
from tusd_py.catalog.values import HistoryRow, Outcome
from tusd_py.domain.file import File
from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.job import Checkpoint, Job, JobMessage, JobState, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import Facts, ProducedFile, Rendition
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

NAME_CHARACTERS = 255


def reversed_priority(number: int) -> int:
    """Return the value of a column ``precedence`` for a priority, or the priority for a value.

    The column is the negative, so that one ascending index holds the order of a line.
    """
    return -number


def job_of(row: Row) -> Job:
    """Return the job that a row of ``jobs`` holds."""
    return Job(
        task_id=UploadId(row["task_id"]),
        user_id=UserId(row["user_id"]),
        scope=Scope(row["scope"]),
        filename=row["filename"],
        filetype=row["filetype"],
        file_hash=row["file_hash"],
        file_size=row["file_size"],
        temp_path=row["temp_path"],
        lane=JobLane(row["lane"]),
        priority=reversed_priority(row["precedence"]),
        state=JobState(row["state"]),
        owner=row["owner"],
        fence=row["fence"],
        attempts=row["attempts"],
        crash_count=row["crash_count"],
        lease_until=row["lease_until"],
        run_after=row["run_after"],
        checkpoint=checkpoint_of(row["checkpoint"]),
        error_code=row["error_code"],
        error_msg=row["error_msg"],
        created_at=row["created_at"],
    )


def message_of(row: Row) -> JobMessage:
    """Return the message that wakes a worker for a row of ``jobs``."""
    return JobMessage(
        task_id=UploadId(row["task_id"]),
        user_id=UserId(row["user_id"]),
        temp_path=row["temp_path"],
        filename=row["filename"],
        file_hash=row["file_hash"],
        file_size=row["file_size"],
        is_video=row["is_video"],
    )


_NOTES: Final = frozenset(note.value for note in Note)
_CHECKPOINT_MEMBERS: Final = frozenset(field.name for field in fields(Checkpoint))


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as JSON."""
    return json.dumps(asdict(checkpoint))


def checkpoint_of(text: str) -> Checkpoint:
    """Return the checkpoint in a JSON text; members and notes of another version are ignored.

    The version that had ``out_path`` knew one output only, and a later version may have steps and
    outputs that are unknown here. Such a checkpoint counts as none, so that all is made again; it
    keeps what the job is.
    """
    members = json.loads(text)
    if members.get("out_path"):
        return Checkpoint()
    try:
        step = Step(members["step"])
        outputs = tuple(ProducedFile(**output) for output in members.get("outputs", ()))
    except (ValueError, TypeError):
        return Checkpoint(again=bool(members.get("again")), as_it_is=bool(members.get("as_it_is")))
    known = {name: members[name] for name in _CHECKPOINT_MEMBERS & members.keys()}
    return Checkpoint(**{**known, "step": step, "outputs": outputs, "notes": notes_of(text)})


def notes_of(text: str) -> tuple[Note, ...]:
    """Return the notes in the JSON text of a checkpoint; those of a later version are left out."""
    return tuple(Note(code) for code in json.loads(text).get("notes", ()) if code in _NOTES)


def outcome_of(row: Row) -> Outcome:
    """Return how a task ended, from a row of its history with columns of its job, if it has one.

    The outcome has no notes: they belong to the attempt that ended, not to each event of the task.
    """
    return Outcome(
        history=history_of(row), fence=row["fence"] or 0, error_code=row["error_code"] or ""
    )


def facts_text(facts: Facts) -> str | None:
    """Return facts as JSON; None if there are none."""
    return json.dumps(dict(facts), ensure_ascii=False) if facts else None


def facts_of(text: str | None) -> Facts:
    """Return the facts in a JSON text; none if it holds no object."""
    try:
        return read_json_object(text) if text else {}
    except NotAJsonObject:
        return {}


def rendition_row(rendition: Rendition, identity: str) -> dict[str, Any]:
    """Return the columns of ``renditions`` for a rendition of this entry in the pool."""
    return {
        "identity": identity,
        "name": rendition.name,
        "object_key": rendition.object_key,
        "path": rendition.path,
        "hash": rendition.hash,
        "size": rendition.size,
        "content_type": rendition.content_type,
        "ext": rendition.ext,
        "facts": facts_text(rendition.facts),
    }


def rendition_of(row: Row) -> Rendition:
    """Return the rendition that a row of ``renditions`` holds."""
    return Rendition(
        name=row["name"],
        object_key=row["object_key"],
        path=row["path"],
        hash=row["hash"],
        size=row["size"],
        content_type=row["content_type"],
        ext=row["ext"],
        facts=facts_of(row["facts"]),
    )


def file_of(row: Row) -> File:
    """Return the file that a row of ``repository_pool`` holds."""
    return File(
        identity=row["identity"],
        scope=Scope(row["scope"]),
        hash=row["hash"],
        name=row["name"],
        ext=row["ext"],
        size=row["size"],
        path=row["path"],
        object_key=row["object_key"],
        stored_hash=row["stored_hash"],
        stored_size=row["stored_size"],
        content_type=row["content_type"],
        created_at=row["created_at"],
        extra_size=row["extra_size"],
        facts=facts_of(row["facts"]),
    )


def history_of(row: Row) -> HistoryRow:
    """Return the record that a row of ``file_upload_history`` holds."""
    return HistoryRow(
        task_id=UploadId(row["task_id"]),
        user_id=UserId(row["user_id"]),
        filename=row["filename"],
        file_hash=row["file_hash"] or "",
        file_size=row["file_size"] or 0,
        status=row["status"],
        error_msg=row["error_msg"] or "",
        oss_path=row["oss_path"] or "",
        repository_identity=row["repository_identity"] or "",
        duration=row["duration"],
        created_at=unix_seconds(row["created_at"]),
        completed_at=unix_seconds(row["completed_at"]) if row["completed_at"] else None,
    )


def date_time(seconds: float) -> datetime:
    """Return the UTC time without a zone, as a DATETIME column holds it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def unix_seconds(moment: datetime) -> float:
    """Return the unix seconds of a DATETIME column's value."""
    return moment.replace(tzinfo=UTC).timestamp()
