"""Defines the types of ids.

Rule: an id from outside becomes a typed id only through ``parse_upload_id`` or ``parse_share_id``,
and a path is made of typed ids only (ASVS 5.3.2).
"""

import re
from typing import Final, NewType

UploadId = NewType("UploadId", str)
"""128 random bits as 32 lower-case hexadecimal digits; also the task id (requirement K2)."""

UserId = NewType("UserId", int)
"""The owner's number, ``user_id bigint`` in the original API."""

ShareId = NewType("ShareId", str)
"""96 random bits as 24 lower-case hexadecimal digits."""

Scope = NewType("Scope", str)
"""Name of a scope. Within one scope a hash has one file (requirement S13)."""

ANONYMOUS: Final = UserId(0)
"""Id of every user where authentication is off (requirement S22)."""

_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_SHARE_ID: Final = re.compile(r"[0-9a-f]{24}")


def parse_upload_id(text: str) -> UploadId | None:
    """Return ``text`` as an id; None if it does not have the form of an id."""
    return UploadId(text) if _UPLOAD_ID.fullmatch(text) else None


def parse_share_id(text: str) -> ShareId | None:
    """Return ``text`` as an id of a share; None if it does not have the form of one."""
    return ShareId(text) if _SHARE_ID.fullmatch(text) else None


def owner_scope(user_id: UserId) -> Scope:
    """Return the scope of one owner's files, the default scope (instant upload is per owner)."""
    return Scope(f"user:{user_id}")
