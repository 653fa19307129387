"""What a store of finished objects must promise. All calls block; the worker's threads make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tusd_py.domain.multipart import Multipart, Part

UNREACHABLE: Final = "The object store can't be reached."
CHECK_SECONDS: Final = 2.0
"""A store over the network has so long to answer a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object that is there, whole. Size in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteUpload:
    """Something a put has left behind, or is still working on: no object yet."""

    key: str
    upload_id: str
    begun_at: float
    """Unix seconds (UTC)."""


class MultipartState(Protocol):
    """What is remembered of a put in parts, outside the process, so that another one goes on with it.

    One job has one. Every call may raise LeaseLost: another worker has the job, send no more.
    """

    def load(self) -> Multipart | None:
        """What an earlier put of this job has begun, or None."""
        ...

    def begin(self, multipart: Multipart) -> None:
        """A new one, in the place of whatever was held."""
        ...

    def add(self, part: Part) -> None:
        """The store has this part of what is held."""
        ...

    def clear(self) -> None:
        """Nothing is held any longer."""
        ...


class ObjectStore(Protocol):
    """Objects by key; a key is made of the content's hash, so a put is idempotent."""

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        content_hash: str,
        content_type: str,
        ledger: MultipartState,
        progress: Callable[[int], None] | None = None,
    ) -> StoredObject:
        """Store the file's bytes under ``key``: the object is whole and durable, or absent.

        The source is left untouched; a local store may share its blocks (hard link or reflink). A
        store that takes large objects in parts goes on with those that ``ledger`` holds (requirement S19).
        Args: content_hash: BLAKE3 of the source, 64 hex digits; progress: called with bytes stored,
            never from two threads at once; what it raises ends the put.
        Raises: Transient: try again later; OutOfResources: no space; FileNotFoundError: no source;
            LeaseLost.
        """
        ...

    def head(self, key: str) -> StoredObject | None:
        """The object, or None. Raises: Transient."""
        ...

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``start`` (zero-based) in pieces of at most 1 MiB.

        Raises: FileNotFoundError: no such object; Transient.
        """
        ...

    def delete(self, key: str) -> bool:
        """Remove the object; whether it was there. Idempotent. Raises: Transient."""
        ...

    def entries(self) -> Iterator[tuple[str, float]]:
        """Every key with its last change (unix seconds, UTC). Raises: Transient."""
        ...

    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        """What puts have begun and not ended. Raises: Transient."""
        ...

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """Remove what a put has left. Idempotent. Raises: Transient."""
        ...

    def owner(self) -> str | None:
        """The identity of the catalog that knows these objects; None before any said so.

        Only that one may collect: to any other catalog every object here is one that nobody points
        at. Raises: Transient, OSError.
        """
        ...

    def set_owner(self, identity: str) -> None:
        """From now on it is this catalog. Raises: Transient, OSError."""
        ...

    def url(self, key: str) -> str:
        """The address recorded as ``oss_path``."""
        ...

    def link(self, key: str, *, disposition: str, seconds: float) -> str | None:
        """A signed address that gives the object to whoever has it, for so long.

        None when there is none: its bytes are read and passed on. Args: disposition: the answer's
        Content-Disposition. Raises: Transient: no credentials could be had.
        """
        ...

    def check(self) -> None:
        """See that objects could be stored now, without storing one.

        Raises: BackendError: ``UNREACHABLE``, after ``CHECK_SECONDS`` or so.
        """
        ...
