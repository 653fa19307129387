"""Divide a file into parts, and read one of them.

The division depends on the size alone, so that every worker divides the same file in the same way.
"""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
MIN_PART_BYTES: Final = 16 * MIB
MAX_PART_BYTES: Final = 512 * MIB
MAX_PARTS: Final = 9000
"""OSS and S3 accept 10,000 (decision 15)."""
PROGRESS_BYTES: Final = 256 << 10
"""The progress of a part is reported after this many bytes; SDKs read 16 KiB at a time."""


class UploadStopped(Exception):
    """Raised inside a read after the put has ended for another reason."""


@dataclass(frozen=True, slots=True)
class Span:
    """One part of a file: its number from 1, its start (zero-based) and its length in bytes."""

    number: int
    start: int
    length: int


def part_size(size: int, smallest: int = MIN_PART_BYTES) -> int:
    """Return the bytes of each part except the last, for a file of ``size`` bytes: whole MiB."""
    wanted = -(-size // MAX_PARTS)
    return min(max(-(-wanted // MIB) * MIB, smallest), MAX_PART_BYTES)


def spans(size: int, step: int) -> Sequence[Span]:
    """Return the parts of a file, ``step`` bytes each; an empty file has one empty part."""
    starts = range(0, size, step) if size else range(1)
    return [Span(n, start, min(step, size - start)) for n, start in enumerate(starts, 1)]


class PartReader(io.RawIOBase):
    """Presents a part of a file as a file of its own, which SDKs read, measure and seek in."""

    def __init__(
        self,
        path: Path,
        span: Span,
        *,
        on_progress: Callable[[int], None] | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        """Open the file. Args: on_progress: called with the position, every 256 KiB and at the end.

        Raises: FileNotFoundError.
        """
        super().__init__()
        self._span = span
        self._file = path.open("rb", buffering=0)
        self._file.seek(span.start)
        self._position = 0
        self._reported = 0
        self._on_progress = on_progress
        self._stopped = stopped

    def __len__(self) -> int:
        return self._span.length

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Read into a buffer. Raises: UploadStopped; OSError: the file is shorter than it was."""
        if self._stopped is not None and self._stopped.is_set():
            raise UploadStopped
        left = self._span.length - self._position
        count = self._file.readinto(memoryview(buffer)[: max(left, 0)]) or 0
        if left and not count and len(buffer):
            raise OSError("the file became shorter while it was read")
        self._position += count
        ended = self._position == self._span.length
        if self._position - self._reported >= (1 if ended else PROGRESS_BYTES):
            self._report()
        return count

    def _report(self) -> None:
        if self._on_progress is not None:
            self._reported = self._position
            self._on_progress(self._position)

    @contextmanager
    def without_progress(self) -> Iterator[None]:
        """Report no progress of what is read inside the block."""
        moved, self._on_progress = self._on_progress, None
        try:
            yield
        finally:
            self._on_progress = moved

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; as ``io.IOBase.seek``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._span.length}
        self._position = min(max(base[whence] + offset, 0), self._span.length)
        self._reported = min(self._reported, self._position)
        self._file.seek(self._span.start + self._position)
        return self._position

    def tell(self) -> int:
        """Return the position; as ``io.IOBase.tell``."""
        return self._position

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
