"""Describes a program to run as plain values, and finds free ports of this machine."""

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LOWEST_PORT: Final = 10_000
ENOUGH_PORTS: Final = 1000
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")

Ready = Callable[[int, str], bool]
"""Return whether a program is ready, by its pid and its output. It may raise OSError: not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Describes a program, which stays in the foreground and prints its log."""

    command: tuple[str, ...]
    directory: Path
    """Directory in which it runs and stores its data; the caller makes it (0700)."""
    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that it reads, by their names in ``directory``; they may contain secrets (0600)."""
    ready: Ready

    def write_files(self) -> None:
        """Write the files that it reads. Raises: OSError."""
        for name, text in self.files.items():
            write_privately(self.directory / name, text)


def write_privately(path: Path, text: str) -> None:
    """Write a file atomically that only its owner can read. Raises: OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(0o600)
    fresh.write_text(text, "utf-8")
    fresh.rename(path)


def port_range(first_ephemeral: int) -> range:
    """Return ports below those of outgoing connections, if there are enough, otherwise all."""
    if first_ephemeral - LOWEST_PORT < ENOUGH_PORTS:
        return range(LOWEST_PORT, 65536)
    return range(LOWEST_PORT, first_ephemeral)


def free_port() -> int:
    """Return a free TCP port on loopback.

    No outgoing connection gets it, so that it is still free when a program restarts.
    """
    ports = port_range(int(_EPHEMERAL.read_text().split()[0]))
    while True:
        # Not by ``random``, which several test runs may have seeded with the same value.
        port = secrets.choice(ports)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listens(port: int) -> bool:
    """Return whether a program accepts connections at a port on loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True
