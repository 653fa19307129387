"""What attacks on resources cost the server and its other users: ``make bench-attacks``.

Each attack runs in its own process against a server that was just started, while another client
repeatedly requests ``/healthz``, on new connections and on one that it keeps. To add one, write a
function that takes a ``Target``, sends, and returns ``ended`` when the server closed what it
opened; put it into the file of its kind (``attacks_*.py``) and into ``ATTACKS``.
"""

import argparse
import fnmatch
import http.client
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from attack_target import GIVE_UP_SECONDS, MIB, Attack, Target, pause
from attacks_by_bodies import (
    boundaries_within_a_file,
    many_trailers,
    one_byte_chunks,
    one_chunk_extension,
    silent_forms,
    silent_json,
)
from attacks_by_websocket import (
    compressed_messages,
    one_byte_fragments,
    one_byte_messages,
    pings,
    pongs,
)
from attacks_on_answers import downloads_by_drops, unread_downloads, unread_streams
from attacks_on_heads import (
    a_byte_a_second,
    half_heads,
    many_fields,
    more_connections_than_descriptors,
    one_target,
    one_value,
    pipelined_requests,
    pipelined_requests_on_many,
    silent_connections,
)
from rich.console import Console
from rich.table import Table
from support.server import Server, running_server
from support.tokens import SECRET, token
from support.tus import create

MEMORY_BAR_MIB: Final = 64
HEALTH_BAR_SECONDS: Final = 0.25


def nothing(_target: Target) -> bool:
    """Measure what the other client sees without an attack: how busy the machine is."""
    pause(20)  # The time is that of a flood.
    return True


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


@dataclass
class Cost:
    """Memory in MiB, times in seconds; ``ended_after`` is None when the server did not end it."""

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
    pipe.recv()  # The process waits until it is killed: its connections stay open.


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
    """Run the attacks and print the table; return 1 when a bar was passed."""
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
