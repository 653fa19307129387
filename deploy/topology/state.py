"""Keeps the state of a topology between two calls, in one private file in its directory."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from topology.process import Process
from topology.program import write_privately

_FILE: Final = "topology.json"
_LOCK: Final = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Holds the options of ``up``."""

    servers: int = 2
    workers: int = 3
    port: int = 8080
    """Port of nginx without TLS."""
    anonymous: bool = False
    """Whether every client that reaches loopback is the same user, without a token."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of tusd-py by their dotted names."""


@dataclass(slots=True, kw_only=True)
class State:
    """Holds the state of a topology, which may run or not."""

    options: Options = field(default_factory=Options)
    ports: dict[str, int] = field(default_factory=dict)
    """Ports by the names of the parts; they are chosen once."""
    passwords: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    """Last process of each name that was started; it may have ended."""

    @classmethod
    def load(cls, root: Path) -> Self:
        """Return the saved state, or a new one if there is none. Raises: OSError."""
        try:
            found = json.loads((root / _FILE).read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        return cls(
            options=Options(**found["options"]),
            ports=found["ports"],
            passwords=found["passwords"],
            processes={name: Process(**known) for name, known in found["processes"].items()},
        )

    def save(self, root: Path) -> None:
        """Write the state atomically. Raises: OSError."""
        write_privately(root / _FILE, json.dumps(asdict(self), indent=1))


def exists(root: Path) -> bool:
    """Return whether a topology was ever started in a directory."""
    return (root / _FILE).exists()


def is_free(root: Path) -> bool:
    """Return whether a directory can be used: it does not exist, is empty, or has a topology."""
    return exists(root) or not root.exists() or {path.name for path in root.iterdir()} <= {_LOCK}


def remove_entries(root: Path, names: Iterable[str]) -> None:
    """Remove these entries, the topology's own files, and the directory if it is empty then.

    Raises: OSError.
    """
    for name in names:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in (_FILE, _LOCK):
        (root / name).unlink(missing_ok=True)
    with suppress(OSError):
        root.rmdir()


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Make other calls for this directory wait; make the directory if it does not exist."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
