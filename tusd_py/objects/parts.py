"""How a file is cut into parts, and reading one of them. The cut follows from the size alone, so that
any worker, at any time, cuts the same file alike."""

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
"""OSS and S3 take 10,000 (decision 15)."""
PROGRESS_BYTES: Final = 256 << 10
"""A part's progress is told so often: SDKs read 16 KiB at a time."""


class UploadStopped(Exception):
    """Raised inside a read when the put has ended for another reason."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file: number from 1, start (zero-based) and length in bytes."""

    number: int
    start: int
    length: int


def part_size(size: int, smallest: int = MIN_PART_BYTES) -> int:
    """Bytes of each part but the last, for a file of ``size`` bytes: whole MiB."""
    wanted = -(-size // MAX_PARTS)
    return min(max(-(-wanted // MIB) * MIB, smallest), MAX_PART_BYTES)


def spans(size: int, step: int) -> Sequence[Span]:
    """The parts of a file of ``size`` bytes, ``step`` bytes each; an empty file has one, empty."""
    starts = range(0, size, step) if size else range(1)
    return [Span(n, start, min(step, size - start)) for n, start in enumerate(starts, 1)]


class PartReader(io.RawIOBase):
    """A part of a file as a file of its own: SDKs read it, measure it and go back in it."""

    def __init__(
        self,
        path: Path,
        span: Span,
        *,
        on_progress: Callable[[int], None] | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        """``on_progress``: told the position, every 256 KiB and at the end.

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
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Raises: Stopped; OSError: the file is shorter than it was."""
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
        """Reading inside the block moves nobody's progress."""
        moved, self._on_progress = self._on_progress, None
        try:
            yield
        finally:
            self._on_progress = moved

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See ``io.IOBase.seek``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._span.length}
        self._position = min(max(base[whence] + offset, 0), self._span.length)
        self._reported = min(self._reported, self._position)
        self._file.seek(self._span.start + self._position)
        return self._position

    def tell(self) -> int:
        """See ``io.IOBase.tell``."""
        return self._position

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
        super().close()
