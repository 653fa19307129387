"""What a store of finished objects must promise. All calls block; the worker's threads make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

UNREACHABLE: Final = "The object store can't be reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object that is there, whole. Size in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """Objects by key; a key is made of the content's hash (JOBS §7), so a put is idempotent."""

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        content_hash: str,
        content_type: str,
        progress: Callable[[int], None] | None = None,
    ) -> StoredObject:
        """Store the file's bytes under ``key``: the object is whole and durable, or absent.

        The source is left untouched; a local store may share its blocks (hard link or reflink).
        Args: content_hash: BLAKE3 of the source, 64 hex digits; progress: called with bytes stored.
        Raises: Transient: try again later; ResourceShort: no space; FileNotFoundError: no source.
        """
        ...

    def head(self, key: str) -> StoredObject | None:
        """The object, or None. Raises: Transient."""
        ...

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``start`` (zero-based) in pieces of at most 1 MiB.

        Raises: FileNotFoundError: no such object.
        """
        ...

    def delete(self, key: str) -> bool:
        """Remove the object; whether it was there. Idempotent."""
        ...

    def entries(self) -> Iterator[tuple[str, float]]:
        """Every key with its last change (unix seconds, UTC)."""
        ...

    def url(self, key: str) -> str:
        """The address recorded as ``oss_path``."""
        ...

    def check(self) -> None:
        """See that objects could be stored now, without storing one.

        Raises: BackendError: ``UNREACHABLE``, after 40 s at most.
        """
        ...
