"""What a client asks of an upload, whatever protocol it spoke. Sizes and offsets in bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """A digest that a chunk must have: algorithm by its tus name, digest as raw bytes."""

    algorithm: str
    digest: bytes


LateChecksum = Callable[[], Checksum]
"""A digest that comes behind the body: asked once that has ended. Raises: ProtocolError: it did not
come, or can't be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make an upload; its first bytes may come with it (creation-with-upload)."""

    length: int | None
    kind: UploadKind = UploadKind.REGULAR
    metadata_header: str | None = None
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    concat_header: str | None = None
    parts: tuple[UploadId, ...] = ()
    declared_hash: str | None = None
    has_body: bool = False
    """A body of Content-Type application/offset+octet-stream follows."""
    body_length: int | None = None
    """Content-Length of that body; None when chunked."""
    checksum: Checksum | LateChecksum | None = None
    challenge: bool = False
    """The client can prove that it has what it declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Append a body at an offset."""

    upload_id: UploadId
    offset: int
    declared_length: int | None = None
    """The length, told now for an upload that deferred it."""
    body_length: int | None = None
    checksum: Checksum | LateChecksum | None = None
    declared_hash: str | None = None
    """BLAKE3 of the whole file, told now: it was hashed while it was sent."""
    challenge: bool = False
    """The client can prove that it has what it declares."""
    proof: bytes | None = None
    """The answer to a challenge; the body is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspect:
    """Tell the offset."""

    upload_id: UploadId


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """Delete the upload."""

    upload_id: UploadId


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover:
    """Tell what the server can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Give the finished bytes back. Header fields are as received; None when absent."""

    upload_id: UploadId
    rendition: str | None = None
    """Name of a rendition; None: the main object."""
    range_header: str | None = None
    if_range: str | None = None
    if_none_match: str | None = None
    send_body: bool = True
    """False: the head of the answer alone; the range counts for nothing then."""


Command = Create | Append | Inspect | Terminate | Discover | Download
