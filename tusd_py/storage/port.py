"""What a store of unfinished bytes must promise.

One optional slot per tus extension that needs the store's help; what is announced in
Tus-Extension is derived from the slots that are filled (``Stores``), never declared twice.
All calls block: callers run them in a thread.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tusd_py.domain.ids import UploadId


class Writer(Protocol):
    """An open upload, positioned at its end. One thread at a time; held under the upload's lock."""

    @property
    def offset(self) -> int:
        """Bytes the store has, zero-based: where the next write goes."""
        ...

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Append the chunks, all of them. They survive kill -9 of this process when this returns.

        Raises: StorageFull (the reserve of free space is reached), StorageDamaged: ``offset`` is
            the end of the prefix that was kept.
        """
        ...

    def truncate(self, offset: int) -> None:
        """Cut the data back to ``offset`` bytes, at most the current ones. Raises: StorageDamaged."""
        ...

    def start_writeback(self) -> None:
        """A sync comes soon: let the disk begin. Does not wait, promises nothing."""
        ...

    def sync(self) -> None:
        """Make everything written survive a power cut.

        Raises: StorageDamaged: the disk refused; never retried on the same descriptor.
            Bytes that may be lost are cut off: ``offset`` tells what is left, and whatever was
            computed from them (the running hash) is void.
        """
        ...

    def close(self) -> None:
        """Give the descriptor back. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class UploadStore(Protocol):
    """Core: bytes by upload id. The offset is the length of the data (decision 1)."""

    def create(self, upload_id: UploadId) -> None:
        """Make an empty upload. Raises: StorageFull, StorageDamaged."""
        ...

    def begin(self, upload_id: UploadId, *, length: int | None) -> Writer:
        """``create`` and ``writer`` in one. Raises: StorageFull, StorageDamaged: it is not there."""
        ...

    def offset(self, upload_id: UploadId) -> int:
        """Verified bytes held. Raises: UploadNotFound."""
        ...

    def modified_at(self, upload_id: UploadId) -> float:
        """Unix seconds (UTC) of the last write. Raises: UploadNotFound."""
        ...

    def writer(self, upload_id: UploadId, *, length: int | None) -> Writer:
        """Open for appending; unverified bytes a crash left are cut off first.

        Args: length: bytes expected in the end, None when unknown; what can't fit is refused.
        Raises: UploadNotFound, StorageFull, StorageDamaged.
        """
        ...

    def path(self, upload_id: UploadId) -> Path:
        """The data as a local file, for reading. It need not exist."""
        ...

    def delete(self, upload_id: UploadId) -> bool:
        """Remove everything of the upload; whether there was anything. Idempotent."""
        ...

    def ids(self) -> Iterator[UploadId]:
        """Every upload that has data here."""
        ...

    def check_room(self, count: int, *, new: bool = False) -> None:
        """Whether ``count`` bytes more would fit now and leave the reserve free; nothing is taken.

        Args: new: they are a new upload's, which needs a file too.
        Raises: StorageFull, StorageDamaged.
        """
        ...

    def preallocated(self, upload_id: UploadId) -> int:
        """Bytes that the upload holds beyond its offset: for the body that is under way, or because
        a process died in one. Raises: UploadNotFound."""
        ...

    def release_preallocated(self, upload_id: UploadId) -> None:
        """Free what the upload holds beyond its offset; for the holder of its lock.

        Raises: UploadNotFound, StorageDamaged.
        """
        ...


class ChunkVerification(Protocol):
    """Extension checksum: a chunk counts only once it is verified."""

    def begin_chunk(self, writer: Writer) -> None:
        """Mark the writer's offset as the verified length; survives kill -9."""
        ...

    def commit_chunk(self, writer: Writer) -> None:
        """The bytes since the mark are verified: they count from now on."""
        ...

    def rollback_chunk(self, writer: Writer) -> None:
        """Drop the bytes since the mark; ``writer.offset`` is the mark again."""
        ...


class Concatenation(Protocol):
    """Extensions concatenation and concatenation-unfinished."""

    def concatenate(self, into: UploadId, parts: Sequence[UploadId]) -> Generator[int, None, None]:
        """Fill the upload with its parts' bytes in order, without moving them through Python, a step
        with each value that is taken. What a broken attempt left is replaced; it is all or nothing, and
        durable when the last value was taken.

        Yields: bytes that the step copied. Raises: UploadNotFound: a part is gone; StorageFull,
            StorageDamaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """A store and what it can do beyond the core."""

    uploads: UploadStore
    verification: ChunkVerification | None = None
    concatenation: Concatenation | None = None
