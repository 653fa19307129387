"""A client of the IETF's resumable uploads, version by version, for checks of a server."""

from draftprobe.draft import (
    INTERIM_S,
    LOCK_PATIENCE_S,
    PROMPT_S,
    SETTLE_S,
    Draft,
    Upload,
    addresses,
    is_ended,
    next_interim,
)
from draftprobe.fields import integer, members, problem, upload_limit
from draftprobe.peer import Peer, at_once
from draftprobe.words import PARTIAL_UPLOAD, UNVERSIONED, VERSION_FIELD, WORDS, Words

__all__ = [
    "INTERIM_S",
    "LOCK_PATIENCE_S",
    "PARTIAL_UPLOAD",
    "PROMPT_S",
    "SETTLE_S",
    "UNVERSIONED",
    "VERSION_FIELD",
    "WORDS",
    "Draft",
    "Peer",
    "Upload",
    "Words",
    "addresses",
    "at_once",
    "integer",
    "is_ended",
    "members",
    "next_interim",
    "problem",
    "upload_limit",
]
