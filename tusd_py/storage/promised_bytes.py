"""Counts the bytes of a file system that writers have reserved and not written yet."""

from typing import Final, Protocol

from typing_extensions import override

from tusd_py.shared_file import map_file
from tusd_py.siblings import Siblings

_NUMBER_BYTES: Final = 8


class PromisedBytes(Protocol):
    """Counts for all writers. ``add`` is called by one thread of a process at a time."""

    shared: bool
    """Whether other processes count too."""

    def add(self, count: int) -> None:
        """Count ``count`` bytes more for this process, or fewer if it is negative."""
        ...

    def total(self) -> int:
        """Return the bytes of all processes."""
        ...


class LocalPromisedBytes(PromisedBytes):
    """Counts within one process."""

    shared = False

    def __init__(self) -> None:
        self._count = 0

    @override
    def add(self, count: int) -> None:
        self._count += count

    @override
    def total(self) -> int:
        return self._count


class SiblingPromisedBytes(PromisedBytes):
    """Counts for all processes of one port. Each writes only its own number of a mapped file.

    The numbers are items of a view, each of which is read and written at once. The module struct
    fills a place with zeros before it writes there, which the others would see.
    """

    shared = True

    def __init__(self, siblings: Siblings) -> None:
        """Open the file. Raises: OSError."""
        count = len(siblings.numbers)
        self._memory = map_file(siblings.directory / "promised", count * _NUMBER_BYTES)
        self._numbers = memoryview(self._memory).cast("q")
        self._own = siblings.number

    @override
    def add(self, count: int) -> None:
        self._numbers[self._own] += count

    @override
    def total(self) -> int:
        return sum(self._numbers)

    def forget(self) -> None:
        """Take back what this number has promised: its process has died."""
        self._numbers[self._own] = 0

    def close(self) -> None:
        """Free the memory."""
        self._numbers.release()
        self._memory.close()
