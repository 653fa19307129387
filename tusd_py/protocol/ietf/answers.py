"""Makes the header fields and problems of answers in the draft."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tusd_py.domain.errors import (
    ChecksumMismatch,
    HashMismatch,
    LengthConflict,
    LengthExceeded,
    OffsetMismatch,
    TusdError,
    UploadComplete,
)
from tusd_py.protocol.ietf.versions import Version

_TYPES: Final = "https://iana.org/assignments/http-problem-types#"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftFacts:
    """Holds an upload for an answer. Sizes are in bytes."""

    offset: int
    complete: bool
    length: int | None = None


def state_fields(version: Version, facts: DraftFacts) -> dict[str, str]:
    """Return the fields that tell an upload's offset, completeness, and length if it is known."""
    fields = {"Upload-Offset": str(facts.offset), **version.completeness(complete=facts.complete)}
    if facts.length is not None:
        fields["Upload-Length"] = str(facts.length)
    return fields


def limit_field(
    version: Version, max_size: int | None, seconds_left: float | None
) -> dict[str, str]:
    """Return the field with the limits of an upload; {} in versions that have none.

    Args: max_size: in bytes; None: any. seconds_left: until it expires; None: never.
    """
    if version.lifetime is None:
        return {}
    limits = {}
    if max_size is not None:
        limits["max-size"] = max_size
    if seconds_left is not None:
        limits[version.lifetime] = max(0, math.ceil(seconds_left))
    if not limits:
        limits["min-size"] = 0
    return {"Upload-Limit": ", ".join(f"{name}={value}" for name, value in limits.items())}


def digest_field(sha256: str) -> dict[str, str]:
    """Return the field with the SHA-256 of the whole file, which is given in hexadecimal."""
    text = base64.b64encode(bytes.fromhex(sha256)).decode()
    return {"Repr-Digest": f"sha-256=:{text}:"}


def draft_status(error: TusdError) -> int | None:
    """Return the status that the draft demands for an error; None: as elsewhere."""
    own = (ChecksumMismatch, HashMismatch, LengthExceeded)
    return 400 if isinstance(error, own) else None


def problem_members(error: TusdError) -> Mapping[str, Any]:
    """Return the members that the draft defines for the problem of an error (its section 7)."""
    if isinstance(error, OffsetMismatch):
        return {
            "type": f"{_TYPES}mismatching-upload-offset",
            "expected-offset": error.current,
            "provided-offset": error.given,
        }
    if isinstance(error, LengthConflict | LengthExceeded):
        return {"type": f"{_TYPES}inconsistent-upload-length"}
    if isinstance(error, UploadComplete):
        return {"type": f"{_TYPES}completed-upload"}
    return {}
