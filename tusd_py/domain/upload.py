"""An upload: bytes that are arriving, and what is known about them beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.job_lane import JobLane

HASH_HEX_DIGITS: Final = 64
"""Length of a BLAKE3 digest as this project writes it: 32 bytes, lower-case hexadecimal."""


PROFILE_KEY: Final = "profile"
"""Metadata key by which a client chooses what is made of its file."""


class UploadKind(StrEnum):
    """The upload's part in a concatenation (tus 1.0.0, Upload-Concat)."""

    REGULAR = "regular"
    PARTIAL = "partial"
    FINAL = "final"


class InstantPatch(StrEnum):
    """What a PATCH of an upload that was born complete is told."""

    JUMP = "jump"
    """The full length: tus-js-client, Uppy, tuspy and aiotus take it as done."""
    COUNT = "count"
    """The bytes sent so far, which are dropped: for clients that compare with their own count."""
    REFUSE = "refuse"
    """409: the offset is the length, a HEAD tells it."""


class UploadState(StrEnum):
    """How far an upload has come. The offset is not kept here: it is the data file's length."""

    RECEIVING = "receiving"
    FINISHED = "finished"
    TERMINATED = "terminated"
    EXPIRED = "expired"
    REJECTED = "rejected"
    """Dropped at its finish: not what its hash or its name said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload as the catalog holds it. Times are unix seconds (UTC), sizes bytes."""

    id: UploadId
    user_id: UserId
    length: int | None
    """Bytes; None while the length is deferred."""
    kind: UploadKind = UploadKind.REGULAR
    state: UploadState = UploadState.RECEIVING
    metadata_header: str | None = None
    """Upload-Metadata exactly as received (check C98)."""
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    concat_header: str | None = None
    """Upload-Concat exactly as received (check C175)."""
    parts: tuple[UploadId, ...] = ()
    declared_hash: str | None = None
    """BLAKE3 the client declared, 64 hexadecimal digits; verified at finish."""
    file_hash: str | None = None
    """BLAKE3 of the bytes as this server computed it; None until finished."""
    file_identity: str | None = None
    """The pool entry that holds the content once the pipeline is through."""
    instant: bool = False
    """Complete without its bytes: the pool held the content (秒传)."""
    tenant: str = ""
    """The group that its owner belonged to when it was made."""
    priority: int = 0
    """Of its job among all that wait, by what its owner's token said when it was made; higher is sooner."""
    granted: int = 0
    """Bytes of the owner's quota that it may fill while its length is deferred."""
    created_at: float

    @property
    def size(self) -> int:
        """The length in bytes. Raises: ValueError: it is still deferred."""
        if self.length is None:
            raise ValueError("the upload's length is deferred")
        return self.length

    def instant_patch(self, default: InstantPatch) -> InstantPatch:
        """What the client asked for by the metadata key ``instant``, else the deployment's choice."""
        asked = self.metadata.get("instant", b"").decode("latin-1")
        return InstantPatch(asked) if asked in set(InstantPatch) else default

    @property
    def filename(self) -> str:
        """The client's name for the file, for people to read: never used as a path; '' if none."""
        raw = self.metadata.get("filename") or self.metadata.get("name") or b""
        return raw.decode("utf-8", "replace")

    @property
    def filetype(self) -> str:
        """The media type the client declared; '' if none."""
        raw = self.metadata.get("filetype") or self.metadata.get("type") or b""
        return raw.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedContent:
    """What is known when the last byte is durable: the input of the finishing transaction."""

    upload_id: UploadId
    user_id: UserId
    scope: Scope
    filename: str
    filetype: str
    file_hash: str
    file_size: int
    temp_path: str
    created_at: float
    lane: JobLane = JobLane.LIGHT
    priority: int = 0
