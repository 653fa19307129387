"""Bodies over real connections, both ways of receiving: the same bytes, the same answers."""

import os
import random
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.raw_http import Connection, connected
from support.server import Server, running_server
from support.tus import create, offset
from support.waiting import wait_until

MIB = 1 << 20


@pytest.mark.parametrize("size", [1, 1000, 65535, 65537, 262_144, 5_000_001, 40 * MIB])
def test_several_bodies_come_over_one_connection(
    server: Server, connection: Connection, size: int
) -> None:
    for _ in range(3):
        content = random.randbytes(size)
        url = connection.create(server.files, size)
        connection.send(connection.patch(url, 0, size), content)
        answer = connection.answer()
        assert (answer.status, answer.headers["upload-offset"]) == (204, str(size))
        assert server.file_of(url).read_bytes() == content


def test_what_follows_a_body_is_the_next_request(server: Server, connection: Connection) -> None:
    content = random.randbytes(3_000_000)
    urls = [connection.create(server.files, len(content)) for _ in range(2)]
    heads = [connection.request("HEAD", url) for url in urls]
    patches = [connection.patch(url, 0, len(content)) for url in urls]
    connection.send(patches[0], content, heads[0], patches[1], content, heads[1], heads[0])
    answers = [connection.answer(to_head=number in (1, 3, 4)) for number in range(5)]
    assert [answer.status for answer in answers] == [204, 200, 204, 200, 200]
    assert all(server.file_of(url).read_bytes() == content for url in urls)


def test_small_bodies_come_in_one_packet_with_others(
    server: Server, connection: Connection
) -> None:
    urls = [connection.create(server.files, 500) for _ in range(20)]
    connection.send(*(connection.patch(url, 0, 500) + b"z" * 500 for url in urls))
    assert [connection.answer().status for _ in urls] == [204] * 20
    assert all(server.file_of(url).read_bytes() == b"z" * 500 for url in urls)


def test_a_body_may_come_late_and_in_bits(server: Server, connection: Connection) -> None:
    content = random.randbytes(300_000)
    url = connection.create(server.files, len(content))
    connection.send(connection.patch(url, 0, len(content), Expect="100-continue"))
    assert connection.answer().status == 100
    for start in range(0, len(content), 50_000):
        wait_until(lambda arrived=start: server.file_of(url).stat().st_size == arrived)
        connection.send(content[start : start + 50_000])
    assert connection.answer().status == 204
    assert server.file_of(url).read_bytes() == content


def test_a_chunked_body_is_the_same(server: Server, connection: Connection) -> None:
    content = random.randbytes(500_000)
    url = connection.create(server.files, len(content))
    chunks = [
        b"%x\r\n%s\r\n" % (100_000, content[at : at + 100_000]) for at in range(0, 500_000, 100_000)
    ]
    connection.send(connection.patch(url, 0, None), *chunks, b"0\r\n\r\n")
    assert connection.answer().status == 204
    assert server.file_of(url).read_bytes() == content


@pytest.mark.parametrize("how", ["close", "half-close", "reset"])
def test_every_byte_before_a_break_is_kept(server: Server, how: str) -> None:
    content = random.randbytes(2_000_003)
    url = create(server, 64 * MIB)
    with connected(url) as connection:
        connection.send(connection.patch(url, 0, 64 * MIB), content)
        if how == "half-close":
            connection.socket.shutdown(socket.SHUT_WR)
            wait_until(lambda: server.file_of(url).stat().st_size == len(content))
        elif how == "reset":
            # The reset comes after the bytes have arrived, since it discards what has not been
            # read.
            wait_until(lambda: server.file_of(url).stat().st_size == len(content))
            connection.reset()
    wait_until(lambda: server.file_of(url).stat().st_size == len(content))
    assert offset(url) == len(content)
    assert server.file_of(url).read_bytes() == content


def test_slow_clients_hold_no_thread(server: Server) -> None:
    """They are more than there are threads; a fast client is served between their bytes."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server.url)) for _ in range(30)]
        urls = [connection.create(server.files, 50_000) for connection in slow]
        for connection, url in zip(slow, urls, strict=True):
            connection.send(connection.patch(url, 0, 50_000), b"a" * 100)
        fast = stack.enter_context(connected(server.url))
        url = fast.create(server.files, 32 * MIB)
        fast.send(fast.patch(url, 0, 32 * MIB), bytes(32 * MIB))
        assert fast.answer().status == 204
        for connection in slow:
            connection.send(b"b" * 49_900)
        assert [connection.answer().status for connection in slow] == [204] * 30
    assert all(server.file_of(url).read_bytes() == b"a" * 100 + b"b" * 49_900 for url in urls)


def test_a_refusal_reaches_who_is_still_sending(server: Server) -> None:
    """The client sends everything before it reads; a reset would lose the answer."""
    url = create(server, 64 * MIB)
    with connected(url) as connection:
        connection.send(connection.patch(url, 7, 48 * MIB), bytes(48 * MIB))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (409, "close")
        assert connection.at_end()
    assert offset(url) == 0


def test_after_a_refused_small_body_the_connection_goes_on(
    server: Server, connection: Connection
) -> None:
    url = connection.create(server.files, 1000)
    connection.send(connection.patch(url, 7, 900), bytes(10))
    answer = connection.answer()
    assert answer.status == 409
    assert "connection" not in answer.headers
    connection.send(bytes(890), connection.patch(url, 0, 1000), bytes(1000))
    assert connection.answer().status == 204


def test_a_refusal_before_100_continue_closes_the_connection(server: Server) -> None:
    """The server cannot know whether the body follows, so the next bytes are no request."""
    url = create(server, 1000)
    with connected(url) as connection:
        connection.send(connection.patch(url, 7, 900, Expect="100-continue"))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (409, "close")
        assert connection.at_end()


@pytest.mark.parametrize("way", ["true", "false"], ids=["lent", "asgi"])
def test_a_body_that_only_dribbles_is_given_up(tmp_path: Path, way: str) -> None:
    env = {"TUSD_LEND_BODIES": way, "TUSD_MIN_RATE": "1000"}
    with running_server(
        tmp_path / "data", "--workers", "0", "--idle-timeout", "1s", env=env
    ) as server:
        url = create(server, MIB)
        with connected(url) as connection:
            connection.send(connection.patch(url, 0, MIB), b"a" * 600_000)
            sent = 600_000
            connection.socket.settimeout(0.1)
            answer = None
            while answer is None:
                connection.send(b"b")
                sent += 1
                try:
                    answer = connection.answer()
                except TimeoutError:
                    assert sent < 600_300, "it goes on for ever"
            assert (answer.status, answer.headers["connection"]) == (500, "close")
            assert b"body_timeout" in answer.body
        reached = offset(url)
        assert 600_000 <= reached <= sent


@pytest.mark.parametrize("way", ["true", "false"], ids=["lent", "asgi"])
def test_a_stopping_server_keeps_what_came_and_answers(tmp_path: Path, way: str) -> None:
    with running_server(
        tmp_path / "data", "--workers", "0", env={"TUSD_LEND_BODIES": way}
    ) as server:
        url = create(server, 64 * MIB)
        with connected(url) as connection:
            connection.send(connection.patch(url, 0, 64 * MIB), b"s" * 400_000)
            wait_until(lambda: server.file_of(url).stat().st_size > 0)
            os.kill(server.pid, 15)
            answer = connection.answer()
            assert (answer.status, answer.headers["connection"]) == (503, "close")
        server.stop()
        assert server.file_of(url).read_bytes() == b"s" * 400_000
