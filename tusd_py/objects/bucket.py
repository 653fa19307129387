"""Define what an SDK must do for one bucket of an object store: one request for each call.

Rule 1: no adapter retries anything by itself; ``RetryingBucket`` (``retry.py``) does that.
Rule 2: an adapter turns every exception of its SDK into one of the errors below. An exception that
the body raised passes through, or is a TransientBucketError if the SDK wraps it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tusd_py.domain.multipart import Part
from tusd_py.objects.parts import PartReader
from tusd_py.objects.port import IncompleteUpload


class BucketError(Exception):
    """The root of the errors of a request to the object store; the text is for the log."""


class TransientBucketError(BucketError):
    """Raised when the same request may succeed a moment later.

    The store is overloaded, the connection was lost, or bits were changed in transit.
    """


class UploadGone(BucketError):
    """Raised when the store does not know the upload id.

    The upload was completed or aborted, or it never began.
    """


class ObjectGone(BucketError):
    """Raised when the store does not know the key."""


class AccessDenied(BucketError):
    """Raised when the store refuses a request: by credentials, rights, the bucket or its form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """Describes an object: its size in bytes and its checksum, empty if the store has none."""

    size: int
    checksum: str


class Bucket(Protocol):
    """One bucket. All keys have the form of ``keys.py``. Every call may raise BucketError."""

    @property
    def address(self) -> str:
        """Return the public address of the bucket, without a slash at the end."""
        ...

    def check(self) -> None:
        """Check that the store answers and accepts our credentials."""
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """Return the description of the object; None if there is no such object."""
        ...

    def checksum(self, body: PartReader) -> str:
        """Compute the checksum that the store would compute of these bytes; makes no request."""
        ...

    def checksum_matches(self, found: ObjectInfo, parts: Sequence[Part]) -> bool:
        """Return whether the object consists of these parts, as far as its checksum shows it."""
        ...

    def put(self, key: str, body: PartReader, content_type: str) -> Part:
        """Store a whole object by one request.

        The object exists afterwards only if all of its bytes arrived unchanged.
        """
        ...

    def create_upload(self, key: str, content_type: str) -> str:
        """Begin a multipart upload and return its id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        """Send one part and return it; its bytes arrived unchanged."""
        ...

    def list_parts(self, key: str, upload_id: str) -> dict[int, tuple[str, int]]:
        """Return the ETag and the size (bytes) of every part that the store has, by its number."""
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make the object from its parts."""
        ...

    def abort(self, key: str, upload_id: str) -> None:
        """Remove an upload and its parts. Raises: UploadGone."""
        ...

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start``, in pieces of at most 1 MiB; ``length`` is not 0.

        Raises: ObjectGone; TransientBucketError: the response ended early.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the object. Idempotent."""
        ...

    def list_keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        """Yield every key below a prefix with the time of its last change (unix seconds, UTC)."""
        ...

    def list_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        """Yield every multipart upload below a prefix that is neither completed nor aborted."""
        ...

    def link(self, key: str, *, disposition: str, seconds: float) -> str:
        """Return a signed address for GET that is valid for ``seconds``.

        Args: disposition: the Content-Disposition of its answer.
        """
        ...
