"""Defines an upload: bytes that arrive, and what is known about them beforehand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tusd_py.domain.ids import Scope, UploadId, UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.relative_path import METADATA_KEY, safe_path
from tusd_py.domain.target import TargetRequest

HASH_HEX_DIGITS: Final = 64
"""Length of a BLAKE3 digest as this project writes it: 32 bytes, lower-case hexadecimal."""


_TIME: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")

PROFILE_KEY: Final = "profile"
"""Metadata key by which a client chooses what is made of its file."""


class UploadKind(StrEnum):
    """Names the upload's part in a concatenation (tus 1.0.0, Upload-Concat)."""

    REGULAR = "regular"
    PARTIAL = "partial"
    FINAL = "final"


class UploadProtocol(StrEnum):
    """Names the protocol in which a request is made, or in which an upload was begun."""

    TUS = "tus"
    """tus 1.0: an upload is complete at its length."""
    IETF = "ietf"
    """draft-ietf-httpbis-resumable-upload: an upload is complete when its client says so."""


def keeps_request(kind: UploadKind, protocol: UploadProtocol) -> bool:
    """Return whether such an upload is the body of a request to another endpoint.

    It is like a part: it becomes no file and no task by itself. The draft has no parts of clients.
    """
    return kind is UploadKind.PARTIAL and protocol is UploadProtocol.IETF


class InstantPatch(StrEnum):
    """Names an answer to a PATCH of an upload that was complete from its start."""

    JUMP = "jump"
    """The full length: tus-js-client, Uppy, tuspy and aiotus then count the upload as done."""
    COUNT = "count"
    """The bytes sent so far, which are dropped: for clients that compare with their own count."""
    REFUSE = "refuse"
    """409: the offset is the length, as a HEAD request shows."""


class UploadState(StrEnum):
    """Names the state of an upload. Its offset is not kept here: it is the data file's length."""

    RECEIVING = "receiving"
    FINISHED = "finished"
    TERMINATED = "terminated"
    EXPIRED = "expired"
    REJECTED = "rejected"
    """Dropped at its finish, since its hash or its name did not match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Describes an upload as the catalog holds it. Times are unix seconds (UTC), sizes bytes."""

    id: UploadId
    user_id: UserId
    length: int | None
    """Bytes; None while the length is deferred."""
    kind: UploadKind = UploadKind.REGULAR
    protocol: UploadProtocol = UploadProtocol.TUS
    """The protocol in which it was begun."""
    completes_at_length: bool = True
    """Whether it is complete when it has all bytes, also if no client says so any longer."""
    state: UploadState = UploadState.RECEIVING
    metadata_header: str | None = None
    """Upload-Metadata exactly as received (check C98)."""
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    target: TargetRequest | None = None
    """The request whose body it keeps, for the catalog to record; None when it is read back."""
    concat_header: str | None = None
    """Upload-Concat exactly as received (check C175)."""
    parts: tuple[UploadId, ...] = ()
    declared_hash: str | None = None
    """BLAKE3 that the client declared, 64 hexadecimal digits; verified at the finish."""
    sha256: str | None = None
    """SHA-256 that the client declared, verified at the finish, or that was computed then."""
    wants_sha256: bool = False
    """Whether the client wants to know the SHA-256 of the whole file."""
    file_hash: str | None = None
    """BLAKE3 of the bytes as this server computed it; None until finished."""
    file_identity: str | None = None
    """Entry of the pool that holds the content after processing."""
    instant: bool = False
    """Whether it is complete without its bytes, since the pool held the content (秒传)."""
    tenant: str = ""
    """The group that its owner belonged to when it was created."""
    priority: int = 0
    """Priority of its job, by the owner's token when it was created; higher comes sooner."""
    granted: int = 0
    """Bytes of the owner's quota that are reserved for it while its length is deferred."""
    created_at: float

    @property
    def size(self) -> int:
        """Length in bytes. Raises: ValueError: it is still deferred."""
        if self.length is None:
            raise ValueError("the upload's length is deferred")
        return self.length

    @property
    def keeps_request(self) -> bool:
        """Whether it is the body of a request to another endpoint, which answers at its end."""
        return keeps_request(self.kind, self.protocol)

    @property
    def needs_sha256(self) -> bool:
        """Whether the SHA-256 of the whole file is computed at the finish."""
        return self.wants_sha256 or self.sha256 is not None

    def instant_patch(self, default: InstantPatch) -> InstantPatch:
        """Return the client's choice in the metadata key ``instant``, else ``default``."""
        chosen = self.metadata.get("instant", b"").decode("latin-1")
        return InstantPatch(chosen) if chosen in set(InstantPatch) else default

    @property
    def filename(self) -> str:
        """The client's name for the file, for display only: never a path; '' if none."""
        raw = self.metadata.get("filename") or self.metadata.get("name") or b""
        return raw.decode("utf-8", "replace")

    @property
    def relative_path(self) -> str:
        """The file's path below the folder that its owner sent, made safe; '' if none."""
        raw = self.metadata.get(METADATA_KEY, b"")
        return safe_path(raw.decode("utf-8", "replace"))

    @property
    def modified_at(self) -> float | None:
        """Unix seconds when the client's file was last changed, by its metadata; None if unknown.

        ``mtime`` is in seconds, as command lines send it; ``lastModified`` in milliseconds, as
        browsers name it. It is never later than the upload.
        """
        for key, scale in (("mtime", 1.0), ("lastModified", 1000.0)):
            text = self.metadata.get(key, b"").decode("latin-1")
            if _TIME.fullmatch(text):
                return min(float(text) / scale, self.created_at)
        return None

    @property
    def filetype(self) -> str:
        """The media type that the client declared; '' if none."""
        raw = self.metadata.get("filetype") or self.metadata.get("type") or b""
        return raw.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedContent:
    """Holds what is known when all bytes are durable: the input of the finishing transaction."""

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
