"""Server-Sent Events with bounds on what a server can make a client keep."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tusd_py.client.errors import Refused
from tusd_py.client.event_stream import (
    MAX_EVENT_BYTES,
    MAX_LINE_BYTES,
    EventLimits,
    aread_events,
    read_events,
)


def response(pieces: Iterator[bytes], **headers: str) -> httpx.Response:
    return httpx.Response(200, headers=headers, content=pieces)


def data_of(*pieces: bytes) -> list[str]:
    return [event.data for event in read_events(response(iter(pieces)))]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_events_are_read_wherever_the_pieces_are_cut(end: bytes) -> None:
    text = end.join([b": ping", b"", "data: 视频".encode(), b"data: b", b"", b"data: c", b"", b""])
    for cut in range(len(text) + 1):
        assert data_of(text[:cut], text[cut:]) == ["视频\nb", "c"]
    assert data_of(*(text[at : at + 1] for at in range(len(text)))) == ["视频\nb", "c"]


def test_a_stream_may_be_longer_than_an_event() -> None:
    event = b"data: " + b"x" * 1000 + b"\r\n\r\n"
    limits = EventLimits()
    for _ in range(3 * MAX_EVENT_BYTES // len(event)):
        assert limits.check(event) == event


def test_an_endless_line_is_refused() -> None:
    limits = EventLimits()
    limits.check(b"data: " + b"x" * (MAX_LINE_BYTES - 6))
    with pytest.raises(Refused, match="line without an end"):
        limits.check(b"x")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("field", [b"data: xxxxxxxx", b": xxxxxxxx", b"d"])
def test_an_endless_event_is_refused(
    field: bytes, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tusd_py.client.event_stream.MAX_EVENT_BYTES", 10_000)

    def pieces() -> Iterator[bytes]:
        while True:
            yield field
            yield end

    with pytest.raises(Refused, match="too large"):
        list(read_events(response(pieces())))


def test_compressed_events_are_refused() -> None:
    with pytest.raises(Refused, match="compressed"):
        list(read_events(response(iter([b"x"]), **{"Content-Encoding": "gzip"})))


def test_the_asynchronous_reader_has_the_same_bounds() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"data: a\n\n"
        while True:
            yield b"data: xxxxxxxx\n"

    found: list[str] = []

    async def read() -> None:
        async for event in aread_events(httpx.Response(200, content=pieces())):
            found.append(event.data)  # noqa: PERF401  (what came before the error counts)

    with pytest.raises(Refused, match="too large"):
        asyncio.run(read())
    assert found == ["a"]
