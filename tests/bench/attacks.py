"""What attacks on resources cost the server and its other users: ``make bench-attacks``.

Each attack runs in a process of its own against a server that was just started, while another client
asks for ``/healthz`` over and over, on new connections and on one that it keeps. To add one, write a
function that takes a ``Target``, sends, and returns ``ended`` when the server closed what it opened;
put it in ``ATTACKS``.
"""

import argparse
import fnmatch
import http.client
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.table import Table
from support.server import Server, running_server
from support.tokens import SECRET, token
from support.tus import create

MIB: Final = 1 << 20
MEMORY_BAR_MIB: Final = 64
HEALTH_BAR_SECONDS: Final = 0.25
GIVE_UP_SECONDS: Final = 150.0
"""An attack that goes on for so long was not ended by the server."""


@dataclass
class Target:
    """The server, and what is sent to it."""

    url: str
    port: int
    prepared: str
    sent: int = 0
    begun_at: float = field(default_factory=time.monotonic)

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        """A new connection; ``receive_buffer`` in bytes, 0: the system's default."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def send(self, connection: socket.socket, content: bytes) -> bool:
        """Send; False: the server has closed the connection."""
        try:
            connection.sendall(content)
        except (ConnectionError, TimeoutError):
            return False
        self.sent += len(content)
        return True

    def flood(self, connection: socket.socket, head: bytes, piece: bytes, most: int) -> bool:
        """Send a head, then one piece after another, ``most`` bytes; return whether it was ended."""
        self.send(connection, head)
        while self.sent < most:
            if not self.send(connection, piece):
                return True
        return self.ended([connection])

    def ended(self, connections: Sequence[socket.socket], *, read: bool = True) -> bool:
        """Wait until the server has closed all; with ``read`` its answers are read."""
        left = list(connections)
        while left:
            if time.monotonic() - self.begun_at > GIVE_UP_SECONDS:
                return False
            left = [each for each in left if not (_is_closed(each) if read else _is_reset(each))]
            _pause(0.05)  # before the next look at thousands of sockets
        return True


def _pause(seconds: float) -> None:
    """Let time pass where time is what the attack is made of, or between two looks at a condition."""
    threading.Event().wait(seconds)


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


def _is_reset(connection: socket.socket) -> bool:
    """Whether the server's end is gone, seen without reading: what is sent is not taken any more."""
    try:
        connection.send(b"\r\n")
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return False


@dataclass(frozen=True)
class Attack:
    """``run`` returns whether the server ended it; ``prepare`` makes what it needs beforehand."""

    name: str
    run: Callable[[Target], bool]
    prepare: Callable[[Server], str] = lambda _: ""
    env: Mapping[str, str] = field(default_factory=dict)
    descriptors: int = 0
    """The server's limit of open files; 0: as it is."""


# -- the attacks


def nothing(_target: Target) -> bool:
    """What the other client sees without an attack: how busy the machine is."""
    _pause(20)  # as long as a flood takes
    return True


def pipelined_requests(target: Target) -> bool:
    """Requests without a pause, whose answers are never read."""
    requests = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 14_000
    return target.flood(target.connect(), b"", requests, 200 * MIB)


def pipelined_requests_on_many(target: Target) -> bool:
    """The same on many connections: a read of each."""
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
    """1.7 million of them."""
    fields = b"".join(b"x-%07d: %s\r\n" % (n, b"a" * 110) for n in range(8_000))
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    return target.flood(target.connect(), head, fields, 200 * MIB)


def many_trailers(target: Target) -> bool:
    fields = b"".join(b"x-%07d: %s\r\n" % (n, b"a" * 110) for n in range(8_000))
    return target.flood(target.connect(), _chunked(target) + b"1\r\na\r\n0\r\n", fields, 200 * MIB)


def one_chunk_extension(target: Target) -> bool:
    return target.flood(target.connect(), _chunked(target) + b"1;", b"a" * MIB, 200 * MIB)


def one_byte_chunks(target: Target) -> bool:
    """Whole bodies, all taken: what counts is that others are served meanwhile."""
    head = (
        f"POST /files/ HTTP/1.1\r\nHost: localhost:{target.port}\r\nTus-Resumable: 1.0.0\r\n"
        "Upload-Defer-Length: 1\r\nContent-Type: application/offset+octet-stream\r\n"
        "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    connections = [target.connect() for _ in range(60)]
    for piece in (head, *[b"1\r\na\r\n" * 40_000] * 12, b"0\r\n\r\n"):
        for connection in connections:
            target.send(connection, piece)
    return target.ended(connections)


def _chunked(target: Target) -> bytes:
    return (
        f"PATCH {target.prepared} HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
        "Upload-Offset: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


def silent_connections(target: Target) -> bool:
    """2,000 of them."""
    return target.ended([target.connect() for _ in range(2_000)])


def half_heads(target: Target) -> bool:
    """2,000 connections with 60 KiB of a head on each."""
    half = b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * (60 << 10)
    connections = []
    for _ in range(2_000):
        connections.append(target.connect())
        target.send(connections[-1], half)
    return target.ended(connections)


def a_byte_a_second(target: Target) -> bool:
    """500 heads that go on for ever."""
    left = [target.connect() for _ in range(500)]
    for connection in left:
        target.send(connection, b"GET / HTTP/1.1\r\nA: ")
    while left:
        if time.monotonic() - target.begun_at > GIVE_UP_SECONDS:
            return False
        left = [each for each in left if not _is_closed(each) and target.send(each, b"a")]
        _pause(1)  # the attack's pace
    return True


def unread_downloads(target: Target) -> bool:
    """100 of a file of 64 MiB."""
    head = f"GET {target.prepared} HTTP/1.1\r\nHost: localhost:{target.port}\r\n\r\n".encode()
    connections = [target.connect() for _ in range(100)]
    for connection in connections:
        target.send(connection, head)
        connection.setblocking(False)
    return target.ended(connections, read=False)


def downloads_by_drops(target: Target) -> bool:
    """100 that take some bytes a second, into a small buffer."""
    head = f"GET {target.prepared} HTTP/1.1\r\nHost: localhost:{target.port}\r\n\r\n".encode()
    left = [target.connect(receive_buffer=2048) for _ in range(100)]
    for connection in left:
        target.send(connection, head)
        connection.setblocking(False)
    while left:
        if time.monotonic() - target.begun_at > GIVE_UP_SECONDS:
            return False
        left = [each for each in left if _takes(each) and not _is_reset(each)]
        _pause(1)  # the attack's pace
    return True


def _takes(connection: socket.socket) -> bool:
    try:
        return connection.recv(10) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def more_connections_than_descriptors(target: Target) -> bool:
    """3,000 silent ones at a server that may have 1,024 files open."""
    return target.ended([target.connect() for _ in range(3_000)])


def compressed_messages(target: Target) -> bool:
    """WebSocket messages of 15 MiB that are 15 KiB on the wire."""
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(b"a" * (15 * MIB)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return _say(target, _frame(0xC1, packed[:-4]), 22 * MIB)


def pings(target: Target) -> bool:
    return _say(target, _frame(0x89, b"") * 10_000, 200 * MIB)


def pongs(target: Target) -> bool:
    return _say(target, _frame(0x8A, b"") * 10_000, 200 * MIB)


def one_byte_messages(target: Target) -> bool:
    return _say(target, _frame(0x81, b"a") * 10_000, 200 * MIB)


def one_byte_fragments(target: Target) -> bool:
    """One message that never ends."""
    return _say(target, _frame(0x00, b"a") * 10_000, 200 * MIB, first=_frame(0x01, b"a"))


def _say(target: Target, piece: bytes, most: int, *, first: bytes = b"") -> bool:
    """Send on four WebSockets, round about, without reading."""
    handshake = (
        f"GET /api/file/upload/ws/{target.prepared.rpartition('/')[2]} HTTP/1.1\r\n"
        f"Host: localhost:{target.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n\r\n"
    ).encode()
    connections = [target.connect() for _ in range(4)]
    for connection in connections:
        target.send(connection, handshake)
        connection.recv(12, socket.MSG_WAITALL)
        target.send(connection, first)
    left = list(connections)
    while left and target.sent < most:
        left = [each for each in left if target.send(each, piece)]
    return target.ended(connections)


def _frame(first: int, payload: bytes) -> bytes:
    """A masked frame (RFC 6455, 5.2) with a mask of zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([first]) + length + bytes(4) + payload


def silent_forms(target: Target) -> bool:
    """As many as one address may have, before their file and within it."""
    head = (
        f"POST /api/file/upload HTTP/1.1\r\nHost: localhost:{target.port}\r\nContent-Length: 1000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    ).encode()
    file = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'
    connections = [target.connect() for _ in range(256)]
    for number, connection in enumerate(connections):
        target.send(connection, head + file * (number % 2))
    return target.ended(connections)


def silent_json(target: Target) -> bool:
    """Bodies that never come, as many as one address may have."""
    head = (
        f"POST /api/file/upload/tickets HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        f"Content-Length: 100\r\nAuthorization: Bearer {target.prepared}\r\n\r\n"
    ).encode()
    connections = [target.connect() for _ in range(256)]
    for connection in connections:
        target.send(connection, head)
    return target.ended(connections)


def boundaries_within_a_file(target: Target) -> bool:
    """A form whose file is full of beginnings of its boundary."""
    head = (
        f"POST /api/file/upload HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        "Content-Type: multipart/form-data; boundary=bc\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    start = b'--bc\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    piece = b"\r\n--b" * 200_000
    head += b"%x\r\n%s\r\n" % (len(start), start)
    connection = target.connect()
    target.flood(connection, head, b"%x\r\n%s\r\n" % (len(piece), piece), 200 * MIB)
    return target.ended([connection])


STREAMS: Final = 20


def unread_streams(target: Target) -> bool:
    """1,500 of one user, who may have 20; none is read for some seconds."""
    head = (
        f"GET /api/file/upload/events HTTP/1.1\r\nHost: localhost:{target.port}\r\n"
        f"Authorization: Bearer {target.prepared}\r\n\r\n"
    ).encode()
    left = [target.connect() for _ in range(1_500)]
    for connection in left:
        target.send(connection, head)
    _pause(10)  # the attack: nothing is read in that time
    while len(left) > STREAMS:
        if time.monotonic() - target.begun_at > GIVE_UP_SECONDS:
            return False
        left = [each for each in left if not _is_closed(each)]
        _pause(0.2)  # before the next look at thousands of sockets
    return len(left) == STREAMS


def _a_token(_server: Server) -> str:
    return token(7)


def _an_upload(server: Server) -> str:
    return create(server, None).removeprefix(server.url)


def _a_finished_file(server: Server) -> str:
    return create(server, 64 * MIB, body=os.urandom(64 * MIB)).removeprefix(server.url)


HASTY: Final = {"TUSD_IDLE_TIMEOUT": "10s"}
AUTH: Final = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
ATTACKS: Final = (
    Attack("no attack, for comparison", nothing),
    Attack("pipelined requests, no answer read", pipelined_requests),
    Attack("pipelined requests on 50 connections", pipelined_requests_on_many),
    Attack("one field's value of 200 MiB", one_value),
    Attack("a target of 100 MiB", one_target),
    Attack("1.7 million fields", many_fields),
    Attack("1.7 million trailers", many_trailers, _an_upload),
    Attack("a chunk's extension of 200 MiB", one_chunk_extension, _an_upload),
    Attack("60 bodies of one-byte chunks", one_byte_chunks),
    Attack("2,000 silent connections", silent_connections),
    Attack("2,000 heads of 60 KiB that stop", half_heads),
    Attack("500 heads, a byte a second", a_byte_a_second),
    Attack("100 downloads that are not read", unread_downloads, _a_finished_file),
    Attack("100 downloads read by drops", downloads_by_drops, _a_finished_file),
    Attack("3,000 connections, 1,024 descriptors", more_connections_than_descriptors,
           descriptors=1024),
    Attack("WebSocket: compressed messages of 15 MiB", compressed_messages, _an_upload),
    Attack("WebSocket: pings", pings, _an_upload),
    Attack("WebSocket: pongs", pongs, _an_upload),
    Attack("WebSocket: one-byte messages", one_byte_messages, _an_upload),
    Attack("WebSocket: one-byte fragments", one_byte_fragments, _an_upload),
    Attack("256 silent forms", silent_forms, env=HASTY),
    Attack("256 silent JSON bodies", silent_json, _a_token, {**HASTY, **AUTH}),
    Attack("a form full of boundaries", boundaries_within_a_file, env=HASTY),
    Attack("1,500 unread streams of a user", unread_streams, _a_token, AUTH),
)  # fmt: skip


# -- what they cost


@dataclass
class Cost:
    """Memory in MiB, times in seconds; ``ended_after`` is None: the server did not end it."""

    sent: int = 0
    before: float = 0.0
    worst: float = 0.0
    slowest_health: float = 0.0
    ended_after: float | None = None


def measured(attack: Attack) -> Cost:
    """Run one attack against a server of its own."""
    limit = attack.descriptors
    program = Server(Path()).program
    if limit:
        program = ("/bin/sh", "-c", f'ulimit -n {limit}; exec "$0" "$@"', *program)
    with (
        tempfile.TemporaryDirectory(prefix="tusd-attack-") as folder,
        running_server(
            Path(folder) / "data", "--workers", "0", env=attack.env, program=program
        ) as server,
    ):
        target = Target(server.url, server.port, attack.prepare(server))
        return _watched(server, attack, target)


def _watched(server: Server, attack: Attack, target: Target) -> Cost:
    with httpx.Client() as client:
        for _ in range(50):
            client.get(f"{server.url}/healthz")
    cost = Cost(before=_resident_mib(server))
    cost.worst = cost.before
    over = threading.Event()
    watchers = [
        threading.Thread(target=watch, args=(server, cost, over))
        for watch in (_watch_memory, _watch_health)
    ]
    for watcher in watchers:
        watcher.start()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_run, args=(attack, target, theirs))
    begun = time.monotonic()
    child.start()
    cost.sent, ended = ours.recv() if ours.poll(GIVE_UP_SECONDS + 60) else (0, False)
    cost.ended_after = time.monotonic() - begun if ended else None
    child.kill()
    child.join()
    over.set()
    for watcher in watchers:
        watcher.join()
    return cost


def _run(attack: Attack, target: Target, pipe: "multiprocessing.connection.Connection") -> None:
    target.begun_at = time.monotonic()
    ended = attack.run(target)
    pipe.send((target.sent, ended))
    pipe.recv()  # until it is killed: its connections stay open


def _resident_mib(server: Server) -> float:
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def _watch_memory(server: Server, cost: Cost, over: threading.Event) -> None:
    while not over.wait(0.01):
        cost.worst = max(cost.worst, _resident_mib(server))


def _watch_health(server: Server, cost: Cost, over: threading.Event) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    while not over.wait(0.02):
        fresh = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for client in (kept, fresh):
            begun = time.monotonic()
            try:
                client.request("GET", "/healthz")
                answered = client.getresponse()
                answered.read()
                failed = answered.status != 200
            except (OSError, http.client.HTTPException):
                failed = True
                client.close()
            seconds = float("inf") if failed else time.monotonic() - begun
            cost.slowest_health = max(cost.slowest_health, seconds)
        fresh.close()
    kept.close()


def main() -> int:
    """Run the attacks, print the table; 1: a bar was passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="of attacks, as patterns")
    names: list[str] = parser.parse_args().names
    chosen = [
        attack for attack in ATTACKS if any(fnmatch.fnmatch(attack.name, name) for name in names)
    ]
    console = Console()
    table = Table("attack", "sent, MiB", "memory, MiB", "worst", "slowest /healthz, ms", "ended, s")
    failures = 0
    for attack in chosen:
        cost = measured(attack)
        passed = _within_bars(cost)
        failures += not passed
        row = _row(attack, cost)
        table.add_row(*row, style="" if passed else "bold red")
        console.print("  ".join(row), style="dim")
    console.print(table)
    return 1 if failures else 0


def _within_bars(cost: Cost) -> bool:
    return (
        cost.worst - cost.before < MEMORY_BAR_MIB
        and cost.slowest_health < HEALTH_BAR_SECONDS
        and cost.ended_after is not None
    )


def _row(attack: Attack, cost: Cost) -> Iterable[str]:
    return (
        attack.name,
        f"{cost.sent / MIB:.1f}",
        f"{cost.before:.0f}",
        f"{cost.worst:.0f}",
        f"{cost.slowest_health * 1000:.0f}",
        "no" if cost.ended_after is None else f"{cost.ended_after:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
