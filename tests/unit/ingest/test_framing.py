"""Tests that a chunked body has the same bytes as for the connection's parser alone."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tusd_py.ingest.framing import MOST_CHUNKS, SMALL_CHUNKS, ChunkFraming, LengthFraming

HEAD = b"PATCH / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


class Parsed:
    """What the connection's parser finds behind a head: body, trailers, requests that follow."""

    def __init__(self) -> None:
        self.body = b""
        self.trailers: list[bytes] = []
        self.heads: list[bytes] = []
        self.refused = False
        self._parser: Any = httptools.HttpRequestParser(self)
        self._parser.feed_data(HEAD)

    def on_message_begin(self) -> None:
        self.heads.append(b"")

    def on_url(self, url: bytes) -> None:
        self.heads[-1] += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.heads) == 1:
            self.trailers.append(name + b"=" + value)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def feed(self, data: bytes) -> None:
        if self.refused or not data:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.refused = True

    def found(self) -> object:
        return self.body, self.trailers[2:], self.heads, self.refused


def by_parser(pieces: Sequence[bytes]) -> Parsed:
    parsed = Parsed()
    for piece in pieces:
        parsed.feed(piece)
    return parsed


def by_framing(pieces: Sequence[bytes], *, writable: bool = False) -> tuple[Parsed, ChunkFraming]:
    """Take what the framing takes; its parser gets the rest, as in a connection."""
    framing, parsed = ChunkFraming(), Parsed()
    for piece in pieces:
        if framing.is_over:
            parsed.feed(piece)
            continue
        assert framing.least >= 1
        received = memoryview(bytearray(piece) if writable else piece)
        parsed.body += b"".join(framing.body_of(received))
        parsed.feed(framing.rest)
    return parsed, framing


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def cut(body: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(body), *(place % (len(body) + 1) for place in cuts)})
    return [body[start:end] for start, end in pairwise(places)]


TOKENS = st.sampled_from(
    [
        b"1\r\nx\r\n", b"a\r\n0123456789\r\n", b"0A\r\n0123456789\r\n", b"3;x=y\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n",
        b"\r\n", b"\n", b"\r", b"5\r\nhello", b"G\r\n", b" 1\r\nx\r\n", b"1 \r\nx\r\n", b"-1\r\n", b"A: b\r\n", NEXT,
        b"ffffffffffffffff\r\n", b"ffffffffffffffffff\r\n", b"000000000000000001\r\nx\r\n", chunk(b"y" * 3000),
    ]
)  # fmt: skip


@settings(max_examples=400)
@given(
    body=st.lists(TOKENS | st.binary(min_size=1, max_size=3000).map(chunk), max_size=30).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 1 << 16), max_size=12),
    writable=st.booleans(),
)
def test_every_body_is_read_as_the_parser_reads_it(
    body: bytes, cuts: list[int], *, writable: bool
) -> None:
    pieces = cut(body, cuts)
    assert by_framing(pieces, writable=writable)[0].found() == by_parser(pieces).found()


@pytest.mark.parametrize("step", [1, 2, 3, 1 << 16])
def test_the_end_with_trailers_and_the_next_request_are_the_parsers(step: int) -> None:
    data = bytes(range(256)) * 40
    body = chunk(data) + chunk(data) + b"0\r\nT: 1\r\n\r\n" + NEXT
    parsed, framing = by_framing([body[at : at + step] for at in range(0, len(body), step)])
    assert framing.is_over
    assert parsed.found() == (data * 2, [b"T=1"], [b"/", b"/next"], False)


def test_small_pieces_are_joined_and_large_ones_are_no_copies() -> None:
    small = memoryview(bytearray(chunk(b"abc" * 2000) * 50))
    (joined,) = ChunkFraming().body_of(small)
    assert joined == b"abc" * 2000 * 50
    large = memoryview(bytearray(chunk(bytes(100_000)) * 3))
    taken = ChunkFraming().body_of(large)
    assert [len(piece) for piece in taken] == [100_000] * 3
    assert all(piece.obj is large.obj for piece in taken)


def test_many_small_chunks_are_left_to_the_parser() -> None:
    framing = ChunkFraming()
    taken = framing.body_of(memoryview(chunk(b"x") * 10_000))
    allowed = SMALL_CHUNKS + len(chunk(b"x") * 10_000) // 1024
    assert len(taken) == allowed
    assert framing.is_over
    assert framing.rest == chunk(b"x") * (10_000 - allowed)


def test_small_chunks_one_at_a_time_are_left_to_the_parser_too() -> None:
    framing = ChunkFraming()
    for _ in range(SMALL_CHUNKS):
        assert [bytes(piece) for piece in framing.body_of(memoryview(chunk(b"x")))] == [b"x"]
    assert not framing.body_of(memoryview(chunk(b"x")))
    assert framing.rest == chunk(b"x")


def test_large_chunks_do_not_allow_any_number_of_small_ones() -> None:
    framing = ChunkFraming()
    for _ in range(10):
        framing.body_of(memoryview(chunk(bytes(1 << 20))))
    taken = framing.body_of(memoryview(chunk(b"x") * 5000))
    assert len(taken) == MOST_CHUNKS


def test_what_must_still_come_is_never_more_than_what_comes() -> None:
    framing = ChunkFraming()
    assert framing.least == 1
    framing.body_of(memoryview(b"400\r\n" + bytes(24)))
    assert framing.least == len(bytes(1000) + b"\r\n0\r\n\r\n")
    framing.body_of(memoryview(bytes(1000)))
    assert framing.least == 1


def test_a_known_length_takes_all() -> None:
    framing = LengthFraming(5)
    assert (framing.most, framing.least, framing.is_over) == (5, 5, False)
    assert [bytes(piece) for piece in framing.body_of(memoryview(b"hello"))] == [b"hello"]
    assert (framing.most, framing.is_over, framing.rest) == (0, True, b"")
