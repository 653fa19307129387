"""HTTP/1.1 by hand over a socket: requests in pieces, several at once, and answers between them.

``support.async_http`` is the same for tests on an event loop.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from support.tus import BODY, TUS


@dataclass(frozen=True)
class Answer:
    """An answer with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection; bytes received after an answer are kept for the next."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), 30)
        self._received = b""

    def send(self, *pieces: bytes) -> None:
        self.socket.sendall(b"".join(pieces))

    def request(self, method: str, url: str, **headers: object) -> bytes:
        """Return the head of a request of tus, to be sent."""
        return self.plain(method, url, **{"Tus-Resumable": TUS["Tus-Resumable"], **headers})

    def plain(self, method: str, url: str, **headers: object) -> bytes:
        """Return a request's head with these fields alone."""
        named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        fields = {"Host": self.host, **named}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"{method} {urlsplit(url).path} HTTP/1.1\r\n{lines}\r\n".encode()

    def patch(self, url: str, offset: int, length: int | None, **headers: object) -> bytes:
        """Return the head of a PATCH; chunked when ``length`` is None."""
        framing: dict[str, object] = (
            {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": length}
        )
        return self.request(
            "PATCH", url, Upload_Offset=offset, **{**BODY, **framing, **headers}
        )  # fmt: skip

    def create(self, endpoint: str, length: int) -> str:
        """Create an upload and return its address."""
        self.send(self.request("POST", endpoint, Upload_Length=length, Content_Length=0))
        return self.answer().headers["location"]

    def answers(self) -> list[Answer]:
        """Return the interim answers to a request, and the answer behind them."""
        found = [self.answer()]
        while found[-1].status < 200:
            found.append(self.answer())
        return found

    def answer(self, *, to_head: bool = False) -> Answer:
        """Return the next answer, interim ones included.

        Raises: ConnectionError: there is none.
        """
        head, _, rest = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        status = int(first.split()[1])
        length = 0 if to_head or status < 200 else int(headers.get("content-length", 0))
        self._received = rest
        while len(self._received) < length:
            self._more()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(status, headers, body)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._more()
        return self._received

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"closed after {self._received[:200]!r}")
        self._received += data

    def at_end(self) -> bool:
        """Return whether the server closes without another byte."""
        return not self._received and not self.socket.recv(1)

    def reset(self) -> None:
        """Close the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect for the length of a block."""
    connection = Connection(url)
    try:
        yield connection
    finally:
        connection.socket.close()


@contextmanager
def silent_patch(
    url: str, offset: int, announced: int, sent: bytes = b"", **headers: object
) -> Iterator[Connection]:
    """Begin a PATCH that stops in the middle and stays connected, as a client in a tunnel does.

    ``announced`` is the number of bytes of the body by Content-Length, ``sent`` the bytes that go
    at once; the test sends others by the connection.
    """
    with connected(url) as connection:
        connection.send(connection.patch(url, offset, announced, **headers), sent)
        yield connection
