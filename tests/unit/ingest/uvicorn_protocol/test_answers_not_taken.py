"""Tests of answers that the client reads slowly or not at all."""

import asyncio
import socket
from collections.abc import Callable, Coroutine

import pytest
from support.async_http import request
from support.recorder import Recorder
from support.uvicorn_server import Receive, Scope, Send, limits, serving
from support.waiting import until

pytestmark = pytest.mark.slow

Play = Callable[[Coroutine[None, None, None]], None]

MIB = 1 << 20


@pytest.mark.parametrize("path", ["/large", "/stream"])
def test_an_answer_that_the_client_does_not_read_is_aborted(play: Play, path: str) -> None:
    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=limits(send_timeout=0.5)) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(request(path=path))
            await until(lambda: app.gone == [path])
            client.close()

    play(run())


def test_an_answer_that_the_client_reads_slowly_is_completed(play: Play) -> None:
    async def run() -> None:
        app = Recorder()
        loop = asyncio.get_running_loop()
        async with serving(app, connections=limits(send_timeout=0.5)) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.setblocking(False)
            await loop.sock_sendall(client, request(path="/large"))
            taken = 0
            while taken < 8 * MIB:  # This is more than all buffers in between can hold.
                taken += len(await loop.sock_recv(client, 64 << 10))
                await asyncio.sleep(0.01)
            assert app.gone == []
            client.close()
            await until(lambda: app.gone)

    play(run())


def test_the_last_bytes_of_a_connection_are_not_kept_for_ever(play: Play) -> None:
    """A close waits until all is sent: a client that reads nothing could keep the connection."""
    lost: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(b"content-length", b"%d" % (16 << 20)), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": bytes(16 << 20)})
        lost.append(scope["path"])

    async def run() -> None:
        async with serving(app, connections=limits(send_timeout=0.5)) as port:
            client = socket.create_connection(("127.0.0.1", port))
            client.settimeout(30)
            client.sendall(request())
            await until(lambda: lost)
            ours = client.getsockname()[1]
            await until(lambda: _is_orphan(port, ours))
            client.close()

    play(run())


def _is_orphan(port: int, peer_port: int) -> bool:
    """Return whether no process holds the first end of the connection between these ports."""
    ends = [f"0100007F:{port:04X}", f"0100007F:{peer_port:04X}"]
    with open("/proc/net/tcp", encoding="ascii") as table:
        inodes = [row.split()[9] for row in table if row.split()[1:3] == ends]
    return inodes in ([], ["0"])
