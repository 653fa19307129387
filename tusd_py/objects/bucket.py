"""One bucket of an object store, one request a call: what an SDK must do for us, and no more.

Rule 1: no call repeats anything by itself; ``sending.py`` and ``remote.py`` decide that.
Rule 2: whatever the SDK raises leaves here as one of the errors below, or as what the body raised.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tusd_py.domain.multipart import Part
from tusd_py.objects.parts import PartReader
from tusd_py.objects.port import IncompleteUpload


class BucketError(Exception):
    """Root of what a request to the object store can end in; the text is for the log."""


class TransientBucketError(BucketError):
    """Raised when the same request may succeed a moment later: overload, lost connection, bits that
    fell over on the way."""


class UploadGone(BucketError):
    """Raised when the store does not know the upload id: completed, aborted, or never begun."""


class ObjectGone(BucketError):
    """Raised when the store does not know the key."""


class AccessDenied(BucketError):
    """Raised when the store says no: credentials, rights, bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """An object as the store describes it: size in bytes, and its checksum where it tells one."""

    size: int
    checksum: str


class Bucket(Protocol):
    """All keys are ours (``keys.py``). Every call raises BucketError."""

    @property
    def address(self) -> str:
        """Where its objects are for the public, without a slash at the end."""
        ...

    def check(self) -> None:
        """Ask the store whether it is there and lets us in."""
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """The object, or None."""
        ...

    def checksum(self, body: PartReader) -> str:
        """What the store would count of these bytes; asks nobody."""
        ...

    def checksum_matches(self, found: ObjectInfo, parts: Sequence[Part]) -> bool:
        """Whether the object consists of these parts, as far as its checksum can tell."""
        ...

    def put(self, key: str, body: PartReader, content_type: str) -> Part:
        """A whole object by one request; it is not there unless all of it arrived unharmed."""
        ...

    def create_upload(self, key: str, content_type: str) -> str:
        """Begin an upload in parts; its id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        """One part, which arrived unharmed."""
        ...

    def list_parts(self, key: str, upload_id: str) -> dict[int, tuple[str, int]]:
        """ETag and size (bytes) by number of every part that the store has."""
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make the object of its parts."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Drop an upload and its parts. Raises: UploadGone."""
        ...

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``start``, in pieces of at most 1 MiB; ``length`` is not 0.

        Raises: ObjectGone; TransientBucketError: it ended early.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the object. Idempotent."""
        ...

    def list_keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Every key below a prefix with its last change (unix seconds, UTC)."""
        ...

    def list_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        """Every upload in parts below a prefix that is neither completed nor aborted."""
        ...

    def link(self, key: str, *, disposition: str, seconds: float) -> str:
        """A signed address for GET that ends after so long and answers as an attachment."""
        ...
