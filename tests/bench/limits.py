"""What an attacker gets beyond a quota and beyond the largest size, in bytes on the disk.

``make bench-limits`` prints it for each way; tests/e2e/test_quota.py has eight bodies at two
servers.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from support.files import files_in
from support.server import Server, running_server
from support.tus import create, delete, patch, post

MIB = 1 << 20
QUOTA, MAX_SIZE = 96 * MIB, 64 * MIB
ENV = {"TUSD_LIMITS__STORED_BYTES": str(QUOTA), "TUSD_MAX_SIZE": str(MAX_SIZE)}
Attack = Callable[[Server], None]


def stream(size: int) -> Iterator[bytes]:
    for _ in range(size // MIB):
        yield bytes(MIB)


def by_patch(server: Server) -> None:
    for _ in range(3):
        patch(create(server, None), 0, bytes(MAX_SIZE))


def by_chunked_patch(server: Server) -> None:
    for _ in range(3):
        patch(create(server, None), 0, stream(2 * MAX_SIZE))


def by_post(server: Server) -> None:
    for size in (MAX_SIZE, MAX_SIZE // 2, MAX_SIZE // 4, 2 * MAX_SIZE):
        post(server, None, stream(size))


def by_form(server: Server) -> None:
    for size in (MAX_SIZE, MAX_SIZE // 2, MAX_SIZE // 4, 2 * MAX_SIZE):
        url = f"{server.url}/api/file/upload"
        httpx.post(url, files={"file": ("x", bytes(size))}, timeout=60)


def by_late_length(server: Server) -> None:
    for _ in range(3):
        url = create(server, None)
        patch(url, 0, bytes(MAX_SIZE - 1))
        patch(url, MAX_SIZE - 1, bytes(MIB), Upload_Length=str(2 * MAX_SIZE))


def by_concatenation(server: Server) -> None:
    """Return what the final uploads hold: the part counts with them, once."""
    part = create(server, None, concat="partial")
    for names in (100, 3, 2):
        post(server, None, concat=f"final;{' '.join([part] * names)}")
    patch(part, 0, bytes(MAX_SIZE // 2), Upload_Length=str(MAX_SIZE // 2))


def by_eight_bodies(server: Server) -> None:
    urls = [create(server, None) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda url: patch(url, 0, bytes(MAX_SIZE)), urls))


ATTACKS: dict[str, Attack] = {
    "PATCH": by_patch,
    "PATCH, chunked": by_chunked_patch,
    "POST with data": by_post,
    "form": by_form,
    "length sent late": by_late_length,
    "final of deferred parts": by_concatenation,
    "8 bodies at once": by_eight_bodies,
}


def measure(name: str, attack: Attack, server: Server) -> None:
    attack(server)
    data = server.data_dir / "uploads"
    sizes = [path.stat().st_size for path in files_in(data)]
    held, largest = sum(sizes), max(sizes)
    if attack is by_concatenation:
        held -= MAX_SIZE // 2
    print(  # noqa: T201
        f"| {name} | {held / MIB:.1f} | {max(0, held - QUOTA)} | {max(0, largest - MAX_SIZE)} |"
    )
    for path in files_in(data):
        delete(server.files + path.name)


def main() -> None:
    print("| way | MiB on the disk | bytes beyond the quota | beyond max_size |\n|---|---|---|---|")  # noqa: T201
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder), "--workers", "0", env=ENV) as server,
    ):
        for name, attack in ATTACKS.items():
            measure(name, attack, server)


if __name__ == "__main__":
    os.environ.setdefault("TUSD_LOG_LEVEL", "error")
    main()
