"""Chunked bodies and forms over real connections, both ways of receiving."""

import json
import random
import socket

import pytest
from support.raw_http import Connection, connected
from support.server import Server
from support.tus import create, offset
from support.waiting import wait_until

MIB = 1 << 20
END = b"0\r\n\r\n"


def chunks(content: bytes, size: int) -> bytes:
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize("size", [900, 8192, 65536, 3 * MIB])
def test_chunks_of_any_size_and_the_next_request(
    server: Server, connection: Connection, size: int
) -> None:
    content = random.randbytes(3 * MIB + 7)
    for _ in range(2):
        url = connection.create(server.files, len(content))
        connection.send(connection.patch(url, 0, None), chunks(content, size), END)
        connection.send(connection.request("HEAD", url))
        assert connection.answer().status == 204
        assert connection.answer(to_head=True).status == 200
        assert server.file_of(url).read_bytes() == content


def test_chunks_may_come_late_and_in_bits(server: Server, connection: Connection) -> None:
    content = random.randbytes(300_000)
    url = connection.create(server.files, len(content))
    connection.send(connection.patch(url, 0, None, Expect="100-continue"))
    assert connection.answer().status == 100
    for start in range(0, len(content), 50_000):
        wait_until(lambda arrived=start: server.file_of(url).stat().st_size == arrived)
        connection.send(chunks(content[start : start + 50_000], 30_000))
    connection.send(END)
    assert connection.answer().status == 204
    assert server.file_of(url).read_bytes() == content


@pytest.mark.parametrize("how", ["close", "half-close", "reset"])
def test_every_byte_of_a_chunk_before_a_break_is_kept(server: Server, how: str) -> None:
    content = random.randbytes(2_000_003)
    url = create(server, 64 * MIB)
    with connected(url) as connection:
        connection.send(connection.patch(url, 0, None), b"%x\r\n" % (4 * MIB), content)
        if how == "half-close":
            connection.socket.shutdown(socket.SHUT_WR)
        if how != "close":
            # A reset discards what has not been read.
            wait_until(lambda: server.file_of(url).stat().st_size == len(content))
        if how == "reset":
            connection.reset()
    wait_until(lambda: server.file_of(url).stat().st_size == len(content))
    assert offset(url) == len(content)
    assert server.file_of(url).read_bytes() == content


def test_a_newer_request_takes_over_from_a_chunk(server: Server) -> None:
    url = create(server, 3 * MIB)
    with connected(url) as older, connected(url) as newer:
        older.send(older.patch(url, 0, None), b"%x\r\n" % (2 * MIB), bytes(MIB))
        wait_until(lambda: server.file_of(url).stat().st_size == MIB)
        newer.send(newer.request("HEAD", url), newer.patch(url, MIB, None))
        newer.send(chunks(bytes(2 * MIB), 65536), END)
        assert newer.answer(to_head=True).headers["upload-offset"] == str(MIB)
        assert newer.answer().status == 204
        assert (older.answer().status, older.at_end()) == (423, True)


def test_chunks_beyond_the_length_are_refused_and_none_is_kept(server: Server) -> None:
    url = create(server, MIB)
    with connected(url) as connection:
        connection.send(connection.patch(url, 0, None), chunks(bytes(9 * MIB), 65536), END)
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert connection.at_end()
    assert offset(url) == 0


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_the_file_of_a_form_is_taken_and_the_connection_goes_on(
    server: Server, connection: Connection, size: int
) -> None:
    content = random.randbytes(size)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    form = head + content + b"\r\n--b--\r\n"
    for _ in range(2):
        fields = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": len(form)}
        url = f"{server.url}/api/file/upload"
        connection.send(connection.plain("POST", url, **fields), form)
        answer = connection.answer()
        assert answer.status == 200
        task = json.loads(answer.body)["task_id"]
        assert server.file_of(f"{server.files}{task}").read_bytes() == content
