"""A server whose answers a test defines byte by byte."""

import json
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Request], bytes | Iterable[bytes]]


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an answer.

    Names in ``headers`` have underscores for hyphens; Content-Length is the body's unless it is
    given.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(body)))
    lines = [f"HTTP/1.1 {status} X", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in named.items() if value != "-"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def event(**members: object) -> bytes:
    """Return a stream of Server-Sent Events with one event."""
    body = f"id: 1\ndata: {json.dumps(members)}\n\n".encode()
    return answer(200, body, Content_Type="text/event-stream")


class HostileServer:
    """Answers each request with the bytes of ``answering`` and keeps the requests.

    ``answering`` is called in any thread.
    """

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.requests: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def files(self) -> str:
        return f"{self.origin}/files/"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as incoming:
            method, target, _ = incoming.readline().decode("latin-1").split()
            headers = {}
            while line := incoming.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = incoming.read(int(headers.get("content-length", 0)))
            request = Request(method, target, headers, body)
            self.requests.append(request)
            answer = self.answering(request)
            for piece in [answer] if isinstance(answer, bytes) else answer:
                connection.sendall(piece)

    def close(self) -> None:
        # While another thread accepts on a listener, close alone does not close it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def __enter__(self) -> "HostileServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
