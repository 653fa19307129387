"""What is known of a topology between two calls: one file in its directory, its owner's alone."""

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
    """What ``up`` was asked for."""

    servers: int = 2
    workers: int = 3
    port: int = 8080
    """Of nginx, without TLS."""
    anonymous: bool = False
    """Whether every client that reaches loopback is the same user, without a token."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of tusd-py by their dotted names."""


@dataclass(slots=True, kw_only=True)
class State:
    """A topology, running or not."""

    options: Options = field(default_factory=Options)
    ports: dict[str, int] = field(default_factory=dict)
    """Chosen once, by the names of what listens there."""
    passwords: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    """The last one started of each name, whether it still runs or not."""

    @classmethod
    def load(cls, root: Path) -> Self:
        """What was saved there; a new one if nothing was. Raises: OSError."""
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
        """Write it, all or nothing. Raises: OSError."""
        write_privately(root / _FILE, json.dumps(asdict(self), indent=1))


def exists(root: Path) -> bool:
    """Whether a topology was ever started there."""
    return (root / _FILE).exists()


def is_free(root: Path) -> bool:
    """Whether a directory holds nothing of anybody else's: it is not there, or empty, or ours."""
    return exists(root) or not root.exists() or {path.name for path in root.iterdir()} <= {_LOCK}


def remove_entries(root: Path, names: Iterable[str]) -> None:
    """Remove what a topology made: those entries, its own files, and the directory if that was all.

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
    """Keep other calls for this directory waiting; it is made if it is not there."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
