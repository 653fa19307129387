"""HTTP/1.1 by hand over asyncio: the test sends bytes and reads answers."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))

    async def answers(self) -> list[tuple[int, bytes]]:
        """Return all answers until the server closes: statuses and bodies."""
        return split(await self.reader.read())

    async def answer(self) -> tuple[int, bytes]:
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1]), await self.reader.readexactly(_length(head))


def split(received: bytes) -> list[tuple[int, bytes]]:
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = _length(head)
        found.append((int(head.split()[1]), rest[:length]))
        received = rest[length:]
    return found


def _length(head: bytes) -> int:
    return next(
        (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )


@asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def request(method: str = "GET", path: str = "/", *fields: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def code_of(answer: tuple[int, bytes]) -> tuple[int, str]:
    members = json.loads(answer[1])
    assert members["status"] == answer[0]
    assert members["detail"]
    assert members["error"]
    return answer[0], members["code"]


CHUNKED: Final = request("POST", "/a", "Transfer-Encoding: chunked")
"""The head of a request with a chunked body."""
