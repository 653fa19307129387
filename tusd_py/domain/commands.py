"""Defines the commands of clients, independent of the protocol. Sizes and offsets are in bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tusd_py.domain.hook import HookRequest
from tusd_py.domain.ids import UploadId
from tusd_py.domain.target import TargetRequest
from tusd_py.domain.upload import UploadKind, UploadProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """Is the digest that a chunk must have: the name of the algorithm in tus, and the raw bytes."""

    algorithm: str
    digest: bytes


LateChecksum = Callable[[], Checksum]
"""Returns a digest that follows the body (a trailer). It is called after the end of the body.

Raises: ProtocolError: the digest is missing, or cannot be used.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Creates an upload; the request may carry its first bytes (creation-with-upload)."""

    length: int | None
    protocol: UploadProtocol = UploadProtocol.TUS
    kind: UploadKind = UploadKind.REGULAR
    metadata_header: str | None = None
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    concat_header: str | None = None
    parts: tuple[UploadId, ...] = ()
    declared_hash: str | None = None
    sha256: str | None = None
    """SHA-256 that the client declares for the whole file, 64 hexadecimal digits."""
    wants_sha256: bool = False
    """Whether the client wants to know the SHA-256 of the whole file."""
    has_body: bool = False
    """Whether the request carries first bytes."""
    completes: bool | None = None
    """Whether the upload is complete with this body; None: it is complete at its length."""
    body_length: int | None = None
    """Content-Length of that body; None: the body is chunked."""
    checksum: Checksum | LateChecksum | None = None
    challenge: bool = False
    """Whether the client can prove that it has the content that it declares."""
    request: HookRequest | None = None
    """What the application that decides gets of the request; None: nothing."""
    target: TargetRequest | None = None
    """The request whose body the upload keeps; None: the upload is a file."""
    keeps_id: bool = False
    """Whether the application can't change the id: the caller of the use case needs it."""
    key: str | None = None
    """What the client calls this creation by, so that it can repeat it; None: it can't."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Appends a body at an offset."""

    upload_id: UploadId
    offset: int
    protocol: UploadProtocol = UploadProtocol.TUS
    completes: bool | None = None
    """Whether the upload is complete with this body; None: it is complete at its length."""
    repeats: bool = True
    """Whether the end of a finished upload is answered again as at its finish."""
    overrun_ends: bool = False
    """Whether a body that goes beyond the length ends the upload."""
    declared_length: int | None = None
    """Length that this request declares for an upload that deferred it."""
    body_length: int | None = None
    checksum: Checksum | LateChecksum | None = None
    declared_hash: str | None = None
    """BLAKE3 of the whole file, declared now: the client computed it while it sent the file."""
    challenge: bool = False
    """Whether the client can prove that it has the content that it declares."""
    proof: bytes | None = None
    """The answer to a challenge; the body is empty."""


def completes_at_length(command: Create | Append) -> bool:
    """Return whether the upload is complete, from this command on, when it has all bytes.

    A last body counts whose length the head states; a chunked one is complete by its last chunk.
    """
    return command.completes is None or (command.completes and command.body_length is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Holds the conditions of a request (RFC 9110, 13.1), as received; None: absent."""

    if_match: str | None = None
    if_unmodified_since: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_range: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Requests the offset."""

    upload_id: UploadId


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """Deletes the upload."""

    upload_id: UploadId
    conditions: Conditions = Conditions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover:
    """Requests the capabilities of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Downloads the finished bytes. Header fields are as received; None: absent."""

    upload_id: UploadId
    rendition: str | None = None
    """Name of a rendition; None: the main object."""
    range_header: str | None = None
    conditions: Conditions = Conditions()
    send_body: bool = True
    """False: send only the head of the response, and ignore the range."""


Command = Create | Append | Inspect | Terminate | Discover | Download
