"""Define what a store of finished objects must guarantee.

All calls block; the worker's threads make them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tusd_py.domain.multipart import Multipart, Part

UNREACHABLE: Final = "The object store can't be reached."
CHECK_SECONDS: Final = 2.0
"""The time limit of a check of a store over the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object that is stored completely; the size is in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteUpload:
    """What a put has left behind, or is still writing; it is not an object yet."""

    key: str
    upload_id: str
    begun_at: float
    """Unix seconds (UTC)."""


class MultipartState(Protocol):
    """Keeps the state of a multipart upload, so that another process can continue it.

    Each job has one. Every call may raise LeaseLost: another worker has the job, and this one must
    stop.
    """

    def load(self) -> Multipart | None:
        """Return the upload that an earlier put of this job began; None if there is none."""
        ...

    def begin(self, multipart: Multipart) -> None:
        """Keep a new upload, which replaces the one that was kept."""
        ...

    def add(self, part: Part) -> None:
        """Add a part of the upload that the store has."""
        ...

    def clear(self) -> None:
        """Remove the state."""
        ...


class ObjectStore(Protocol):
    """Holds objects by key; a key is the hash of the content, so that a put is idempotent."""

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        content_hash: str,
        content_type: str,
        multipart_state: MultipartState,
        progress: Callable[[int], None] | None = None,
    ) -> StoredObject:
        """Store the bytes of a file under ``key``: the object is whole and durable, or absent.

        The source is not changed; a local store may share its blocks (hard link or reflink). A
        store that accepts large objects in parts continues with the upload in ``multipart_state``
        (requirement S19).
        Args: content_hash: BLAKE3 of the source, 64 hex digits; progress: called with the number of
            bytes that are stored, never from two threads at once; what it raises ends the put.
        Raises: TransientError: a later try may succeed; OutOfResources: there is no space;
            FileNotFoundError: there is no source; LeaseLost.
        """
        ...

    def head(self, key: str) -> StoredObject | None:
        """Return the object; None if there is none. Raises: TransientError."""
        ...

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` (zero-based) in pieces of at most 1 MiB.

        Raises: FileNotFoundError: there is no such object; TransientError.
        """
        ...

    def delete(self, key: str) -> bool:
        """Remove the object and return whether it existed. Idempotent. Raises: TransientError."""
        ...

    def entries(self) -> Iterator[tuple[str, float]]:
        """Yield every key with the time of its last change (unix seconds, UTC).

        Raises: TransientError.
        """
        ...

    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        """Yield the uploads that puts have begun and not completed. Raises: TransientError."""
        ...

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """Remove what a put has left. Idempotent. Raises: TransientError."""
        ...

    def owner(self) -> str | None:
        """Return the identity of the catalog of these objects; None before one was set.

        Only the janitor of that catalog may remove objects: no other catalog refers to them, so
        that each of them would seem to be unused.
        Raises: TransientError, OSError.
        """
        ...

    def set_owner(self, identity: str) -> None:
        """Set the identity of the catalog of these objects. Raises: TransientError, OSError."""
        ...

    def url(self, key: str) -> str:
        """Return the address that is recorded as ``oss_path``."""
        ...

    def link(self, key: str, *, disposition: str, seconds: float) -> str | None:
        """Return a signed address from which anyone can read the object for ``seconds``.

        None if the store has no such addresses: then the server reads the bytes and sends them.
        Args: disposition: the Content-Disposition of the answer.
        Raises: TransientError: there are no credentials.
        """
        ...

    def check(self) -> None:
        """Check that objects could be stored now, without storing one.

        Raises: BackendError: ``UNREACHABLE``, after about ``CHECK_SECONDS``.
        """
        ...
