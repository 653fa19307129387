"""Port of the store of unfinished uploads.

``Stores`` has an optional member for each tus extension that needs the store's help. Tus-Extension
lists those that are present, and is never declared twice. All calls block: callers run them in a
thread.

Nothing here says that the bytes are in a local file. A store that keeps them elsewhere makes the
same promises: what ``write`` has taken is counted by ``offset`` and returned by every ``Reader``,
also in other processes, and only ``local_file`` may need a copy on this machine.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tusd_py.domain.errors import StorageDamaged
from tusd_py.domain.ids import UploadId


class UploadExists(StorageDamaged):
    """Raised when an upload is created whose id another one has."""


class Writer(Protocol):
    """Writes to an open upload at its end, by one thread at a time and under the upload's lock."""

    @property
    def offset(self) -> int:
        """Number of bytes that the store has, where the next write goes."""
        ...

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Append all chunks. They survive kill -9 of this process when this returns.

        Raises: StorageFull (the reserve of free space is reached), StorageDamaged: ``offset`` is
            the end of the bytes that were kept.
        """
        ...

    def truncate(self, offset: int) -> None:
        """Cut the data back to ``offset`` bytes, at most the current ones.

        Raises: StorageDamaged.
        """
        ...

    def start_writeback(self) -> None:
        """Start writing to the disk, since a sync comes soon. Do not wait, and promise nothing."""
        ...

    def sync(self) -> None:
        """Make all written bytes survive a power cut.

        Raises: StorageDamaged: the disk refused; it is never retried on the same descriptor.
            Bytes that may be lost are cut off: ``offset`` shows what is left, and what was computed
            from them (the running hash) is void.
        """
        ...

    def close(self) -> None:
        """Close the descriptor. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Reader(Protocol):
    """Reads an upload's bytes at any place, those of a chunk that is not verified yet included.

    It also returns what is written after it was opened. Once the upload is deleted, it goes on or
    raises UploadNotFound.
    """

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start``, fewer only at the end of the data.

        Raises: UploadNotFound, StorageDamaged.
        """
        ...

    def read_into(self, start: int, buffer: memoryview) -> int:
        """Fill the buffer from ``start``, and return how many bytes there are: 0 at the end.

        Raises: UploadNotFound, StorageDamaged.
        """
        ...

    def close(self) -> None:
        """Release what the reader holds. Idempotent."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class UploadStore(Protocol):
    """Stores bytes by upload id. The offset is the length of the data (decision 1)."""

    def create(self, upload_id: UploadId) -> None:
        """Create an empty upload. Raises: UploadExists, StorageFull, StorageDamaged."""
        ...

    def begin(self, upload_id: UploadId, *, length: int | None) -> Writer:
        """Create an upload and open it: of two calls with one id, one fails.

        Raises: UploadExists: it existed before; StorageFull, StorageDamaged: it does not exist
            then.
        """
        ...

    def offset(self, upload_id: UploadId) -> int:
        """Return the number of verified bytes. Raises: UploadNotFound."""
        ...

    def modified_at(self, upload_id: UploadId) -> float:
        """Return the unix seconds (UTC) of the last write. Raises: UploadNotFound."""
        ...

    def writer(self, upload_id: UploadId, *, length: int | None) -> Writer:
        """Open for appending; unverified bytes that a crash left are cut off first.

        Args: length: bytes expected in the end, None: unknown; what does not fit is refused.
        Raises: UploadNotFound, StorageFull, StorageDamaged.
        """
        ...

    def reader(self, upload_id: UploadId) -> Reader:
        """Open for reading. Raises: UploadNotFound, StorageBusy, StorageDamaged."""
        ...

    def local_file(self, upload_id: UploadId, copy: Path) -> Path:
        """Return a local file with all bytes, for programs that read files by their path.

        It is the store's own file, which is only read, or a copy that is made at ``copy``, in a
        new folder; its caller removes the folder.

        Raises: UploadNotFound, StorageFull, StorageDamaged.
        """
        ...

    def location(self, upload_id: UploadId) -> str:
        """Return where the data is, for people and for the field ``temp_path`` of records.

        It is at most 512 characters long, and does not change. Nothing needs to be there.
        """
        ...

    def delete(self, upload_id: UploadId) -> bool:
        """Remove everything of the upload; return whether there was anything. Idempotent."""
        ...

    def ids(self) -> Iterator[UploadId]:
        """Yield every upload that has data here."""
        ...

    def check_room(self, count: int, *, new: bool = False) -> None:
        """Check that ``count`` bytes more fit now and leave the reserve free; nothing is reserved.

        Args: new: they are of a new upload, which needs a file too.
        Raises: StorageFull, StorageDamaged.
        """
        ...

    def preallocated(self, upload_id: UploadId) -> int:
        """Return the bytes that the upload holds beyond its offset.

        They are for a body that arrives, or a process died in one. Raises: UploadNotFound.
        """
        ...

    def release_preallocated(self, upload_id: UploadId) -> None:
        """Free what the upload holds beyond its offset; only for the holder of its lock.

        Raises: UploadNotFound, StorageDamaged.
        """
        ...


class ChunkVerification(Protocol):
    """Implements the extension checksum: a chunk counts only once it is verified."""

    def begin_chunk(self, writer: Writer) -> None:
        """Mark the writer's offset as the verified length; the mark survives kill -9."""
        ...

    def commit_chunk(self, writer: Writer) -> None:
        """Count the bytes since the mark, which are verified."""
        ...

    def rollback_chunk(self, writer: Writer) -> None:
        """Drop the bytes since the mark; ``writer.offset`` is the mark again."""
        ...


class Concatenation(Protocol):
    """Implements the extensions concatenation and concatenation-unfinished."""

    def concatenate(self, into: UploadId, parts: Sequence[UploadId]) -> Generator[int, None, None]:
        """Fill the upload with its parts' bytes in order, without moving them through Python.

        Each value that is taken runs one step. What an earlier attempt left is replaced. It is all
        or nothing, and durable when the last value was taken.

        Yields: bytes that the step copied.
        Raises: UploadNotFound: a part is gone; StorageFull, StorageDamaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Holds a store and its optional abilities."""

    uploads: UploadStore
    verification: ChunkVerification | None = None
    concatenation: Concatenation | None = None
