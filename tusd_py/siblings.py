"""Describes the place of a process among those that serve one port of one machine together."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVER_NUMBERS: Final = 2
"""Numbers for each server process: its replacement starts before it ends."""
WORKER_NUMBERS: Final = 2
"""Numbers for the worker process and its replacement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Says which process this is, and where it meets the others (``serve --processes``).

    A process gets its number from the parent. No other live process has it, and the parent gives it
    to another one only after this one has ended.
    """

    directory: Path
    """Directory for sockets and shared memory; the parent empties it before any process starts.

    The name of a socket ends in a dot and the number of its process.
    """
    number: int
    """Number of this process, from 0."""
    servers: int
    """Number of server processes, among which budgets of one machine are divided."""
    secret: bytes
    """Secret of these processes, at most 64 bytes; it is another one after each start."""

    @property
    def numbers(self) -> range:
        """Return the numbers that processes of this set can have."""
        return range(self.servers * SERVER_NUMBERS + WORKER_NUMBERS)


def forget_sockets(siblings: Siblings) -> None:
    """Remove the sockets that a dead process of this number has left. Raises: OSError."""
    for place in siblings.directory.glob(f"*.{siblings.number}"):
        place.unlink(missing_ok=True)


@contextmanager
def socket_address(directory: Path, name: str) -> Iterator[str]:
    """Yield the address of a UNIX socket in a directory, for ``bind`` and ``connect``.

    An address has at most 107 bytes, and data directories can be longer (unix(7)).

    Raises: OSError: there is no directory.
    """
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
