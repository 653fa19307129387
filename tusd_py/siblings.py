"""Describes the place of a process among those that serve one port of one machine together."""

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
    """Directory for sockets and shared memory; the parent empties it before any process starts."""
    number: int
    """Number of this process, from 0."""
    servers: int
    """Number of server processes, among which budgets of one machine are divided."""

    @property
    def numbers(self) -> range:
        """Return the numbers that processes of this set can have."""
        return range(self.servers * SERVER_NUMBERS + WORKER_NUMBERS)
