"""Encodes a job message as JSON, with the member names of the original API (requirement S15)."""

import json

from tusd_py.domain.ids import UserId, parse_upload_id
from tusd_py.domain.job import JobMessage
from tusd_py.domain.untrusted_json import read_json_object

VERSION = 1


class Undecodable(ValueError):
    """Raised when a payload is no job message of this version: it becomes a dead letter."""


def encode(message: JobMessage) -> bytes:
    """Return the message as JSON in UTF-8."""
    members = {
        "v": message.version,
        "TaskID": message.task_id,
        "UserID": message.user_id,
        "TempPath": message.temp_path,
        "Filename": message.filename,
        "FileHash": message.file_hash,
        "FileSize": message.file_size,
        "IsVideo": message.is_video,
    }
    return json.dumps(members, ensure_ascii=False).encode()


def decode(payload: bytes) -> JobMessage:
    """Return the message in a payload; members that this version does not know are ignored.

    Raises: Undecodable.
    """
    try:
        members = read_json_object(payload)
        task_id = parse_upload_id(members["TaskID"])
        if task_id is None or members.get("v", VERSION) != VERSION:
            raise Undecodable("not a job message of this version")
        return JobMessage(
            task_id=task_id,
            user_id=UserId(int(members["UserID"])),
            temp_path=str(members["TempPath"]),
            filename=str(members["Filename"]),
            file_hash=str(members["FileHash"]),
            file_size=int(members["FileSize"]),
            is_video=bool(members["IsVideo"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Undecodable("not a job message") from error
