import socket
import threading
from collections.abc import Iterator, Sequence

import pytest

from tusd_py.ingest.framing import LengthFraming
from tusd_py.ingest.socket_reader import (
    LOW_WATER_BYTES,
    SLICE_BYTES,
    PlainSocket,
    ReadResult,
    SocketReader,
)
from tusd_py.uploads.body import CancelToken, DrainEnd


class Line:
    """Holds a client's end of a connection, and reads the body from the other end."""

    def __init__(self, length: int) -> None:
        self.client, self.server = socket.socketpair()
        self.server.setblocking(False)
        self.framing = LengthFraming(length)
        self.reader = SocketReader(self.server, PlainSocket(self.server), self.framing)
        self.got = bytearray()
        self.cancel = CancelToken()

    def sink(self, chunks: Sequence[bytes | memoryview]) -> None:
        for chunk in chunks:
            self.got += chunk

    def move(self) -> ReadResult:
        return self.reader.read_slice(self.sink, self.cancel)


@pytest.fixture
def line() -> Iterator[Line]:
    opened = Line(1000)
    yield opened
    opened.client.close()
    opened.server.close()


def test_a_read_does_not_wait_for_further_bytes(line: Line) -> None:
    assert line.move() == ReadResult(0, would_block=True)
    line.client.send(b"abc")
    assert line.move() == ReadResult(3, would_block=True)
    assert line.got == b"abc"


def test_no_byte_beyond_the_body_is_taken(line: Line) -> None:
    line.client.send(b"a" * 1000 + b"next")
    assert line.move() == ReadResult(1000, DrainEnd.COMPLETE)
    assert line.server.recv(100) == b"next"


def test_bytes_before_a_disconnect_are_taken(line: Line) -> None:
    line.client.send(b"abc")
    line.client.close()
    assert line.move() == ReadResult(3, DrainEnd.DISCONNECTED)
    assert line.got == b"abc"


def test_a_slice_is_bounded(line: Line) -> None:
    line.framing.left = 3 * SLICE_BYTES
    sender = threading.Thread(target=line.client.sendall, args=(bytes(3 * SLICE_BYTES),))
    sender.start()
    moved: list[ReadResult] = []
    while not moved or moved[-1].end is None:
        moved.append(line.move())
    sender.join()
    assert moved[-1].end is DrainEnd.COMPLETE
    assert sum(piece.count for piece in moved) == len(line.got) == 3 * SLICE_BYTES
    assert all(piece.count <= SLICE_BYTES for piece in moved)


def test_a_cancelled_body_takes_the_bytes_that_have_arrived(line: Line) -> None:
    line.client.send(b"abc")
    line.cancel.cancel()
    assert line.move() == ReadResult(3, DrainEnd.CANCELLED)


def test_a_cancelled_body_that_has_arrived_is_complete(line: Line) -> None:
    line.client.send(bytes(1000))
    line.cancel.cancel()
    assert line.move() == ReadResult(1000, DrainEnd.COMPLETE)


def test_what_the_sink_raises_is_raised(line: Line) -> None:
    def sink(chunks: Sequence[bytes | memoryview]) -> None:
        raise OSError("disk")

    line.client.send(b"abc")
    with pytest.raises(OSError, match="disk"):
        line.reader.read_slice(sink, line.cancel)


def test_the_low_water_mark_is_never_beyond_the_body_and_is_reset() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    kept = server.dup()
    reader = SocketReader(server, PlainSocket(server), LengthFraming(100))

    def mark() -> int:
        return kept.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)

    reader.set_low_water(LOW_WATER_BYTES)
    assert mark() == 100
    reader.close()
    assert mark() == 1
    for end in (client, kept, listener):
        end.close()
