"""A server under attack, with the operations of the attacks, and the definition of an attack."""

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from support.server import Server

MIB: Final = 1 << 20
GIVE_UP_SECONDS: Final = 150.0
"""Seconds after which an attack counts as not ended by the server."""


@dataclass
class Target:
    """The server, and what is sent to it."""

    url: str
    port: int
    prepared: str
    sent: int = 0
    begun_at: float = field(default_factory=time.monotonic)

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        """Open a connection; ``receive_buffer`` in bytes, 0: the system's default."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def send(self, connection: socket.socket, content: bytes) -> bool:
        """Send; return False when the server has closed the connection."""
        try:
            connection.sendall(content)
        except (ConnectionError, TimeoutError):
            return False
        self.sent += len(content)
        return True

    def flood(self, connection: socket.socket, head: bytes, piece: bytes, most: int) -> bool:
        """Send a head, then pieces of up to ``most`` bytes in all; return whether it was ended."""
        self.send(connection, head)
        while self.sent < most:
            if not self.send(connection, piece):
                return True
        return self.ended([connection])

    def ended(self, connections: Sequence[socket.socket], *, read: bool = True) -> bool:
        """Wait until the server has closed all connections; with ``read`` its answers are read."""
        left = list(connections)
        while left:
            if time.monotonic() - self.begun_at > GIVE_UP_SECONDS:
                return False
            left = [each for each in left if not (is_closed(each) if read else is_reset(each))]
            pause(0.05)  # A pause between two polls of thousands of sockets.
        return True


def pause(seconds: float) -> None:
    """Let time pass where the attack consists of time, or between two polls of a condition."""
    threading.Event().wait(seconds)


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def is_reset(connection: socket.socket) -> bool:
    """Return whether the server has closed its end, without reading.

    The server takes no more bytes then.
    """
    try:
        connection.send(b"\r\n")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


@dataclass(frozen=True)
class Attack:
    """``run`` returns whether the server ended the attack; ``prepare`` makes what it needs."""

    name: str
    run: Callable[[Target], bool]
    prepare: Callable[[Server], str] = lambda _: ""
    env: Mapping[str, str] = field(default_factory=dict)
    descriptors: int = 0
    """The server's limit of open files; 0: the limit that it has."""
