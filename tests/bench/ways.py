"""What bytes cost in each of the ways in which they come: ``make bench-ways``.

One stream, hashed, ``durability=off``: by PATCH with a length (the base), by PATCH in chunks, in a
form, and each of these over TLS that ends in the process. There are two processes, one with TLS and
one without. The rounds are interleaved. A transfer is short and what it stored is removed at once, so
that the next one gets memory that the host has not taken back yet (see ``warm_memory``). A figure
is the server's CPU; the client sends one block again and again.
"""

import argparse
import os
import random
import shutil
import socket
import ssl
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from support.nginx import write_certificate
from support.own_files import ROOT
from support.services import Service

GIB: Final = 1 << 30
BLOCK: Final = 16 << 20
_BOUNDARY: Final = b"----WebKitFormBoundary7MA4YWxkTrZu0gWA"
_FORM_HEAD: Final = (
    b"--" + _BOUNDARY + b'\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
_FORM_END: Final = b"\r\n--" + _BOUNDARY + b"--\r\n"
_TYPE: Final = b"multipart/form-data; boundary=" + _BOUNDARY


@dataclass(frozen=True)
class Way:
    """One way; ``chunk`` is the bytes of a chunk, 0: the request states its length."""

    chunk: int = 0
    form: bool = False
    tls: bool = False


BASE: Final = "PATCH with length"
WAYS: Final[Mapping[str, Way]] = {
    BASE: Way(),
    "PATCH, chunks of 64 KiB": Way(chunk=64 << 10),
    "PATCH, chunks of 8 KiB": Way(chunk=8 << 10),
    "form": Way(form=True),
    "PATCH with length, TLS": Way(tls=True),
    "PATCH, chunks of 64 KiB, TLS": Way(chunk=64 << 10, tls=True),
    "form, TLS": Way(form=True, tls=True),
}


class _Server(Service):
    """The application in uvicorn with our connection class, with TLS or without."""

    def __init__(self, place: Path | None, *, tls: bool) -> None:
        super().__init__("ways")
        self._tls = tls
        self._data = Path(tempfile.mkdtemp(prefix="tusd-bench-", dir=place))
        write_certificate(self.directory / "certificate.pem", self.directory / "key.pem")

    def command(self) -> Sequence[str]:
        tls = ("--ssl-certfile", "certificate.pem", "--ssl-keyfile", "key.pem") if self._tls else ()
        return (
            sys.executable, "-m", "uvicorn", "--factory", "ways_app:app", "--port", str(self.port),
            "--http", "tusd_py.ingest.uvicorn_protocol:TusHttpProtocol", "--no-access-log", *tls,
        )  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        path = (ROOT, ROOT / "tests/bench", ROOT / "tests", ROOT / "deploy")
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(folder) for folder in path),
            "TUSD_DATA_DIR": str(self._data),
        }

    def cpu_seconds(self) -> float:
        """Return the CPU time so far of its threads, none of which has ended."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def forget(self, size: int) -> None:
        """Empty the files of this size."""
        for file in self._data.rglob("*"):
            if file.is_file() and file.stat().st_size == size:
                os.truncate(file, 0)

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        """Yield a connection to the server."""
        with socket.create_connection(("127.0.0.1", self.port)) as plain:
            if not self._tls:
                yield plain
                return
            context = ssl.create_default_context(cafile=self.directory / "certificate.pem")
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
                yield secured

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._data)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--mib", type=int, default=256, help="MiB of a stream")
    parser.add_argument("--dir", type=Path, help="where the servers keep their data")
    arguments = parser.parse_args()
    names = list(dict.fromkeys((BASE, *arguments.ways)))
    with ExitStack() as stack:
        servers = {tls: _started(stack, arguments.dir, tls=tls) for tls in (False, True)}
        measured = _measure(names, servers, arguments.rounds, arguments.mib << 20)
    table = Table("way", "CPU s a GiB", "least to most", "times the base", "least to most")
    for name, costs in measured.items():
        # Pairs of one round: the speed of a shared machine changes between rounds.
        ratios = [cost / base for cost, base in zip(costs, measured[BASE], strict=True)]
        table.add_row(name, *_figures(costs), *_figures(ratios))
    Console(width=120).print(table)


def _started(stack: ExitStack, place: Path | None, *, tls: bool) -> _Server:
    server = _Server(place, tls=tls)
    stack.callback(server.close)
    server.start()
    return server


def _measure(
    names: Sequence[str], servers: Mapping[bool, _Server], rounds: int, size: int
) -> dict[str, list[float]]:
    block = os.urandom(BLOCK)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in random.sample(names, len(names)):
            way = WAYS[name]
            cost = _cost(servers[way.tls], way, block, size)
            if number:  # The first round is for warming up.
                measured[name].append(cost)
    return measured


def _figures(values: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"


def _cost(server: _Server, way: Way, block: bytes, size: int) -> float:
    """Return the CPU seconds of the server for a GiB."""
    with server.connected() as connection:
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        head = _form_head(host, size) if way.form else _patch_head(connection, host, way, size)
        before = server.cpu_seconds()
        connection.sendall(head)
        _send(connection, way, block, size)
        answer = _answer(connection)
        if not answer.startswith((b"HTTP/1.1 204", b"HTTP/1.1 200")):
            raise RuntimeError(answer.decode("latin-1"))
        cost = server.cpu_seconds() - before
    server.forget(size)
    return cost * GIB / size


def _patch_head(connection: socket.socket, host: bytes, way: Way, size: int) -> bytes:
    """Create an upload; return the head of the request that brings its bytes."""
    connection.sendall(
        b"POST /files/ HTTP/1.1\r\n%sTus-Resumable: 1.0.0\r\nUpload-Length: %d\r\n"
        b"Content-Length: 0\r\n\r\n" % (host, size)
    )
    lines = _answer(connection).split(b"\r\n")
    location = next(line for line in lines if line.lower().startswith(b"location:"))
    framing = b"Transfer-Encoding: chunked" if way.chunk else b"Content-Length: %d" % size
    return (
        b"PATCH /files/%s HTTP/1.1\r\n%sTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        b"Content-Type: application/offset+octet-stream\r\n%s\r\n\r\n"
        % (location.rpartition(b"/")[2], host, framing)
    )


def _form_head(host: bytes, size: int) -> bytes:
    length = size + len(_FORM_HEAD) + len(_FORM_END)
    return (
        b"POST /api/file/upload HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (host, _TYPE, length, _FORM_HEAD)
    )


def _send(connection: socket.socket, way: Way, block: bytes, size: int) -> None:
    if way.chunk:
        pieces = range(0, len(block), way.chunk)
        block = b"".join(b"%x\r\n%s\r\n" % (way.chunk, block[at : at + way.chunk]) for at in pieces)
    for _ in range(size // BLOCK):
        connection.sendall(block)
    if way.chunk or way.form:
        connection.sendall(b"0\r\n\r\n" if way.chunk else _FORM_END)


def _answer(connection: socket.socket) -> bytes:
    """Return the head of an answer, with what came of its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise RuntimeError(f"the connection ended after {received!r}")
        received += piece
    return received


if __name__ == "__main__":
    main()
