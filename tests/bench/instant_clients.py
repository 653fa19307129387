"""How many bytes instant upload saves unmodified clients: ``make bench-instant``.

A file is uploaded, then again by the same user, then by a colleague, with each client; then by a
colleague with ``tusd-py upload``, which proves. Counted are bytes that the client sent into its
connections, by a proxy between it and the server (or nginx before that).
"""

import argparse
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import blake3
import httpx
from rich.console import Console
from rich.table import Table
from support.clients import by_aiotus, by_tus_js, by_tuspy, by_uppy
from support.nginx import Nginx
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.waiting import wait_until

from tusd_py.client import Client, Options
from tusd_py.client.resume_store import ResumeStore

MIB: Final = 1 << 20
SETTINGS: Final = {
    "TUSD_AUTH__ACCESS_SECRET": SECRET,
    "TUSD_INSTANT__SCOPE": "tenant",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
    "TUSD_MAX_SIZE": "0",
}
Send = Callable[[str, Path, str, Mapping[str, str]], str]


def _by_our_own(endpoint: str, file: Path, declared: str, headers: Mapping[str, str]) -> str:
    """Upload as ``tusd-py upload`` does: it can prove."""
    with tempfile.TemporaryDirectory() as state, httpx.Client(headers=headers, timeout=90) as http:
        client = Client(endpoint, options=Options(resume_store=ResumeStore(Path(state))), http=http)
        return client.upload(file, {"filehash": declared}).url


CLIENTS: Final[Mapping[str, Send]] = {
    "tuspy": lambda url, file, declared, who: by_tuspy(url, file, declared, headers=who),
    "aiotus": lambda url, file, declared, who: by_aiotus(url, file, declared, headers=who),
    "tus-js-client (node)": lambda url, file, declared, who: by_tus_js(
        url, file, declared, headers=who
    ),
    "Uppy (Chromium)": lambda url, file, declared, who: by_uppy(url, file, declared, headers=who),
    "tusd-py upload": _by_our_own,
}
WAYS: Final = ("straight", "nginx")


class Counter:
    """A proxy that passes connections on and counts what clients send."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.sent = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                threading.Thread(
                    target=self._pass, args=(client, server, True), daemon=True
                ).start()
                threading.Thread(
                    target=self._pass, args=(server, client, False), daemon=True
                ).start()

    def _pass(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        buffer = memoryview(bytearray(256 << 10))
        with suppress(OSError):
            while count := source.recv_into(buffer):
                self.sent += count if counts else 0
                target.sendall(buffer[:count])
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listener.close()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=2048, help="the file's size")
    parser.add_argument("--dir", type=Path, help="where files and servers are kept")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    folder = Path(tempfile.mkdtemp(prefix="tusd-bench-", dir=arguments.dir))
    try:
        file = folder / "file.bin"
        declared = _write(file, arguments.mib)
        for way in WAYS:
            for name, send in CLIENTS.items():
                rows.append(
                    {"client": name, "way": way, **_measured(folder, send, way, file, declared)}
                )
    finally:
        shutil.rmtree(folder)
    steps = ("first", "again", "colleague")
    table = Table("client", "way", *(f"{step}: MiB, s" for step in steps))
    for row in rows:
        table.add_row(
            row["client"], row["way"],
            *(f"{row[step]['mib']:.1f}, {row[step]['seconds']:.2f}" for step in steps),
        )  # fmt: skip
    Console().print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1))


def _write(file: Path, mib: int) -> str:
    hasher = blake3.blake3()
    with file.open("wb") as out:
        for _ in range(mib):
            piece = os.urandom(MIB)
            hasher.update(piece)
            out.write(piece)
    return f"blake3:{hasher.hexdigest()}"


def _measured(folder: Path, send: Send, way: str, file: Path, declared: str) -> dict[str, Any]:
    found = {}
    with _opened(folder, way) as (server, counter):
        endpoint = f"http://127.0.0.1:{counter.port}/files/"
        for step, user in (("first", 1), ("again", 1), ("colleague", 2)):
            who = bearer(token(user, tenant="acme", seconds=3600))
            before, begun = counter.sent, time.perf_counter()
            url = send(endpoint, file, declared, who)
            seconds = time.perf_counter() - begun
            found[step] = {"mib": (counter.sent - before) / MIB, "seconds": seconds}
            _completed(server, url, who)
    shutil.rmtree(folder / "data")
    return found


@contextmanager
def _opened(folder: Path, way: str) -> Iterator[tuple[Server, Counter]]:
    flags = ("--workers", "1", "--behind-proxy")
    with running_server(folder / "data", *flags, env=SETTINGS) as server:
        nginx = Nginx(server.port) if way == "nginx" else None
        counter = None
        try:
            if nginx is not None:
                nginx.start()
            counter = Counter(server.port if nginx is None else nginx.plain_port)
            yield server, counter
        finally:
            if counter is not None:
                counter.close()
            if nginx is not None:
                nginx.close()


def _completed(server: Server, url: str, who: Mapping[str, str]) -> None:
    task = url.rstrip("/").rpartition("/")[2]
    progress = f"{server.url}/api/file/upload/progress/{task}"
    wait_until(
        lambda: httpx.get(progress, headers=dict(who)).json()["status"] == "completed", timeout=600
    )


if __name__ == "__main__":
    main()
