"""Describes what a process runs, as its parent sends it."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from tusd_py.siblings import Siblings

SETTINGS_REFUSED: Final = 2
"""Exit code of a process that can't use its settings, as of the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Says which process of a set to run. Numbers of descriptors are those of the new process."""

    config: str | None
    """Path of the file of settings."""
    flags: Mapping[str, Any]
    """Settings that have priority over the file and the environment, by name."""
    directory: str
    number: int
    servers: int
    secret: str
    """``directory``, ``number``, ``servers`` and, in hexadecimal, ``secret``: see ``Siblings``."""
    slot: int
    """Place among the servers; ``servers``: the worker."""
    listeners: Sequence[Sequence[int]]
    monitoring: int | None
    held: int | None
    """Descriptor that holds the data directory; it is only kept open."""
    workers: int

    @property
    def is_worker(self) -> bool:
        """Return whether the process runs jobs, and serves no port."""
        return self.slot == self.servers

    @property
    def siblings(self) -> Siblings:
        """Return the place of the process among the others."""
        return Siblings(
            directory=Path(self.directory),
            number=self.number,
            servers=self.servers,
            secret=bytes.fromhex(self.secret),
        )

    def descriptors(self) -> Sequence[int]:
        """Return the descriptors that the process inherits."""
        others = (self.monitoring, self.held)
        return [
            *(number for of_slot in self.listeners for number in of_slot),
            *(number for number in others if number is not None),
        ]

    def sockets(self) -> Sequence[Sequence[socket.socket]]:
        """Return the listeners, which programs that the process starts do not inherit."""
        for number in self.descriptors():
            os.set_inheritable(number, False)
        return [[socket.socket(fileno=number) for number in of_slot] for of_slot in self.listeners]

    def content(self) -> Mapping[str, Any]:
        """Return the order as the content of a message."""
        return asdict(self)

    @classmethod
    def of(cls, content: Any) -> Self:  # noqa: ANN401
        """Return the order that a message has."""
        return cls(**content)
