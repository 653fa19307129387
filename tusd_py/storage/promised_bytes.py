"""Counts the bytes of a file system that writers have reserved and not written yet."""

import struct
from typing import Final, Protocol

from typing_extensions import override

from tusd_py.shared_file import map_file
from tusd_py.siblings import Siblings

_NUMBER: Final = struct.Struct("q")


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
    """Counts for all processes of one port. Each writes only its own number of a mapped file."""

    shared = True

    def __init__(self, siblings: Siblings) -> None:
        """Open the file. Raises: OSError."""
        numbers = struct.Struct(f"{len(siblings.numbers)}q")
        self._numbers = numbers
        self._memory = map_file(siblings.directory / "promised", numbers.size)
        self._place = siblings.number * _NUMBER.size

    @override
    def add(self, count: int) -> None:
        own = _NUMBER.unpack_from(self._memory, self._place)[0]
        _NUMBER.pack_into(self._memory, self._place, own + count)

    @override
    def total(self) -> int:
        return sum(self._numbers.unpack_from(self._memory))

    def forget(self) -> None:
        """Take back what this number has promised: its process has died."""
        _NUMBER.pack_into(self._memory, self._place, 0)

    def close(self) -> None:
        """Free the memory."""
        self._memory.close()
