"""Attacks by answers that are not read: downloads and event streams."""

import socket
import time
from typing import Final

from attack_target import GIVE_UP_SECONDS, Target, is_closed, is_reset, pause

STREAMS: Final = 20


def unread_downloads(target: Target) -> bool:
    """Request a file of 64 MiB 100 times and do not read the answers."""
    head = f"GET {target.prepared} HTTP/1.1\r\nHost: localhost:{target.port}\r\n\r\n".encode()
    connections = [target.connect() for _ in range(100)]
    for connection in connections:
        target.send(connection, head)
        connection.setblocking(False)
    return target.ended(connections, read=False)


def downloads_by_drops(target: Target) -> bool:
    """Request the file 100 times and read some bytes a second, into a small buffer."""
    head = f"GET {target.prepared} HTTP/1.1\r\nHost: localhost:{target.port}\r\n\r\n".encode()
    left = [target.connect(receive_buffer=2048) for _ in range(100)]
    for connection in left:
        target.send(connection, head)
        connection.setblocking(False)
    while left:
        if time.monotonic() - target.begun_at > GIVE_UP_SECONDS:
            return False
        left = [each for each in left if _takes(each) and not is_reset(each)]
        pause(1)  # The pause is the attack's pace.
    return True


def _takes(connection: socket.socket) -> bool:
    try:
        return connection.recv(10) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def unread_streams(target: Target) -> bool:
    """Open 1,500 streams of one user, who may have 20; none is read for some seconds."""
    head = (
        f"GET /api/file/upload/events HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        f"Authorization: Bearer {target.prepared}\r\n\r\n"
    ).encode()
    left = [target.connect() for _ in range(1_500)]
    for connection in left:
        target.send(connection, head)
    pause(10)  # The attack is that nothing is read in that time.
    while len(left) > STREAMS:
        if time.monotonic() - target.begun_at > GIVE_UP_SECONDS:
            return False
        left = [each for each in left if not is_closed(each)]
        pause(0.2)  # A pause between two polls of thousands of sockets.
    return len(left) == STREAMS
