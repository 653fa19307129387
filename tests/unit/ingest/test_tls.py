"""Tests that bodies over TLS are read by threads, and that the connection continues behind them."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from support.async_http import CHUNKED, connected, request
from support.nginx import write_certificate
from support.taker import Taker
from support.uvicorn_server import serving
from support.waiting import until

from tusd_py.ingest.tls import LendableTls, make_lendable
from tusd_py.threads import Threads
from tusd_py.uploads.body import DrainEnd, DrainResult

Play = Callable[[Coroutine[None, None, None]], None]

CONTENT: Final = bytes(range(256)) * 20_000
LENGTH: Final = request("PATCH", "/x", f"Content-Length: {len(CONTENT)}")


@pytest.fixture
def threads() -> Iterator[Threads]:
    opened = Threads()
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    write_certificate(certificate, key)
    return {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}


def trusting(files: dict[str, Any], version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files["ssl_certfile"])
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bodies_of_both_framings_and_the_requests_behind_them(
    play: Play, threads: Threads, files: dict[str, Any], version: ssl.TLSVersion
) -> None:
    chunk = b"%x\r\n%s\r\n0\r\nA: b\r\n\r\n" % (len(CONTENT), CONTENT)

    async def run() -> None:
        taker = Taker(threads)
        taker.interim = 20
        async with (
            serving(taker, **files) as port,
            connected(port, trusting(files, version)) as client,
        ):
            client.send(LENGTH, CONTENT, request(path="/b"), CHUNKED, chunk, request(path="/c"))
            client.send(LENGTH, CONTENT)
            answers = []
            while answers.count(204) < 5:
                answers.append((await client.answer())[0])
        assert set(answers) == {104, 204}
        assert taker.lent == [True, False, True, False, True]
        assert taker.got == CONTENT * 3
        assert taker.trailers[2] == [(b"a", b"b")]

    play(run())


def test_bytes_before_a_disconnect_are_taken(
    play: Play, threads: Threads, files: dict[str, Any]
) -> None:
    async def run() -> None:
        taker = Taker(threads)
        async with serving(taker, **files) as port:
            async with connected(port, trusting(files, ssl.TLSVersion.TLSv1_3)) as client:
                client.send(LENGTH, CONTENT[:1_000_001])
                await until(lambda: len(taker.got) == 1_000_001)
            await until(lambda: bool(taker.drained))
        assert taker.drained == [DrainResult(1_000_001, DrainEnd.DISCONNECTED)]
        assert taker.got == CONTENT[:1_000_001]

    play(run())


class _Wired:
    """A server's and a client's end of TLS, without a socket."""

    def __init__(self, files: dict[str, Any]) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])
        make_lendable(server)
        to_server = ssl.MemoryBIO()
        self.to_client = to_client = ssl.MemoryBIO()
        self.server = server.wrap_bio(to_server, to_client, server_side=True)
        self.client = trusting(files, ssl.TLSVersion.TLSv1_3).wrap_bio(
            to_client, to_server, server_hostname="127.0.0.1"
        )
        for end in (self.client, self.server) * 2:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


class _Transport(asyncio.Transport):
    """Is the transport of a connection of which nothing else is used."""

    def is_closing(self) -> bool:
        return True


async def _lent(files: dict[str, Any]) -> tuple[_Wired, LendableTls]:
    wired = _Wired(files)
    assert isinstance(wired.server, LendableTls)
    await wired.server.lend(_Transport())
    return wired, wired.server


def test_nothing_but_the_thread_reads_while_it_is_lent(play: Play, files: dict[str, Any]) -> None:
    async def run() -> None:
        wired = _Wired(files)
        assert isinstance(wired.server, LendableTls)
        assert wired.server.can_be_lent
        wired.client.write(b"hello")
        await wired.server.lend(_Transport())
        with pytest.raises(ssl.SSLWantReadError):
            wired.server.read(10)
        wired.server.take_back(_Transport())
        assert wired.server.read(10) == b"hello"

    play(run())


def test_a_client_that_wants_to_renegotiate_is_given_up(play: Play, files: dict[str, Any]) -> None:
    """TLS refuses each renegotiation, and no one sends what it writes then."""

    async def run() -> None:
        wired, server = await _lent(files)
        buffer = memoryview(bytearray(1000))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            wired.to_client.write(b"an interim answer")
            assert server.receive(ours, buffer) is None

            def refusing(_size: int, _buffer: memoryview) -> int:
                wired.to_client.write(b"no_renegotiation")
                raise ssl.SSLWantReadError

            server._read_record = refusing
            assert server.receive(ours, buffer) == 0

    play(run())


def test_the_thread_uses_no_tls_while_the_loop_takes_what_is_to_be_sent(
    play: Play, files: dict[str, Any]
) -> None:
    """The transport reads, after each write, from a buffer into which TLS writes when it reads."""

    async def run() -> None:
        wired, server = await _lent(files)
        buffer = memoryview(bytearray(1000))
        ours, theirs = socket.socketpair()
        with ours, theirs, ThreadPoolExecutor(1) as pool:
            for use in (lambda: server.write(b"x"), server.pending):
                use()
                server.write(b"y")
                received = pool.submit(server.receive, ours, buffer)
                with pytest.raises(TimeoutError):
                    received.result(0.05)
                await asyncio.sleep(0)
                assert await asyncio.wrap_future(received) is None
            server.write(b"x")
            server.take_back(_Transport())
            server.write(b"y")
            await asyncio.sleep(0)
            server.write(b"z")
        assert wired.client.read(10) == b"x"

    play(run())


def test_a_context_with_tls_objects_of_its_own_is_left_alone() -> None:
    class Own(ssl.SSLObject):
        pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = Own
    make_lendable(context)
    assert context.sslobject_class is Own
