"""A program to run, as plain values, and the ports of this machine."""

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
"""Whether the program takes work, by its pid and what it has printed. May raise OSError: not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is run. It stays in the foreground and prints its log."""

    command: tuple[str, ...]
    directory: Path
    """Where it runs and keeps its data; the caller makes it, for itself alone (0700)."""
    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    """Files it reads, by their names in ``directory``; they may hold secrets (0600)."""
    ready: Ready

    def write_files(self) -> None:
        """Write what it reads. Raises: OSError."""
        for name, text in self.files.items():
            write_privately(self.directory / name, text)


def write_privately(path: Path, text: str) -> None:
    """Write a file for its owner alone, all or nothing. Raises: OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(0o600)
    fresh.write_text(text, "utf-8")
    fresh.rename(path)


def port_range(first_ephemeral: int) -> range:
    """Ports below those that the kernel gives to outgoing connections, where that leaves enough."""
    if first_ephemeral - LOWEST_PORT < ENOUGH_PORTS:
        return range(LOWEST_PORT, 65536)
    return range(LOWEST_PORT, first_ephemeral)


def free_port() -> int:
    """A TCP port on loopback that nobody uses now.

    No outgoing connection gets it: a program that is away for a moment finds it free when it comes
    back.
    """
    ports = port_range(int(_EPHEMERAL.read_text().split()[0]))
    while True:
        # Not by ``random``, which several test runs may have seeded alike.
        port = secrets.choice(ports)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listens(port: int) -> bool:
    """Whether somebody takes connections on loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True
