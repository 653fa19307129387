import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from support.bodies import LiveBody, scripted

from tusd_py.ingest.asgi_body import BACKLOG_BYTES, SLICE_BYTES, AsgiBody
from tusd_py.threads import Threads
from tusd_py.uploads.body import CancelToken, DrainEnd, DrainResult


class Sink:
    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def __call__(self, chunks: Sequence[bytes | memoryview]) -> None:
        self.calls.append(b"".join(chunks))

    @property
    def content(self) -> bytes:
        return b"".join(self.calls)


def drain(
    receive: Callable[[], Awaitable[dict[str, Any]]],
    sink: Callable[[Sequence[bytes | memoryview]], None],
    cancel: Callable[[], CancelToken] = CancelToken,
    **values: Any,
) -> DrainResult:
    threads = Threads()

    async def run() -> DrainResult:
        defaults = {
            "limit": None,
            "idle_timeout": 30.0,
            "min_rate": 0,
            "cancel": cancel(),
        }
        return await AsgiBody(receive, threads).drain(sink, **{**defaults, **values})

    try:
        return asyncio.run(run())
    finally:
        threads.close()


def test_small_chunks_go_to_the_sink_in_slices() -> None:
    sink = Sink()
    chunks = [bytes([n % 256]) * 65536 for n in range(64)]
    assert drain(scripted(chunks), sink) == DrainResult(64 * 65536, DrainEnd.COMPLETE)
    assert sink.content == b"".join(chunks)
    assert len(sink.calls) <= 64 * 65536 // SLICE_BYTES + 1


def test_bytes_before_a_disconnect_are_kept() -> None:
    sink = Sink()
    assert drain(scripted([b"a" * 10, b"b" * 5], breaks_off=True), sink) == DrainResult(
        15, DrainEnd.DISCONNECTED
    )
    assert sink.content == b"a" * 10 + b"b" * 5


@pytest.mark.parametrize("size", [10, 11, 25])
def test_more_than_the_limit_is_an_overrun(size: int) -> None:
    sink = Sink()
    drained = drain(scripted([b"x" * size]), sink, limit=10)
    assert drained == DrainResult(10, DrainEnd.COMPLETE if size == 10 else DrainEnd.TOO_LONG)
    assert len(sink.content) == 10


def test_an_empty_body_is_complete() -> None:
    assert drain(scripted([]), Sink()) == DrainResult(0, DrainEnd.COMPLETE)


def test_silence_ends_the_body_and_keeps_its_bytes() -> None:
    sink, body = Sink(), None

    async def receive() -> dict[str, Any]:
        nonlocal body
        if body is None:
            body = LiveBody()
            body.send(b"then nothing")
        return await body.receive()

    assert drain(receive, sink, idle_timeout=0.05) == DrainResult(12, DrainEnd.TIMED_OUT)
    assert sink.content == b"then nothing"


def test_a_cancellation_ends_the_body_and_keeps_its_bytes() -> None:
    sink = Sink()
    cancel: CancelToken | None = None
    sent = iter([b"one", b"two"])

    def make() -> CancelToken:
        nonlocal cancel
        cancel = CancelToken()
        return cancel

    async def receive() -> dict[str, Any]:
        data = next(sent, None)
        if data is None:
            assert cancel is not None
            cancel.cancel()
            await asyncio.Event().wait()
        return {"type": "http.request", "body": data, "more_body": True}

    assert drain(receive, sink, make) == DrainResult(6, DrainEnd.CANCELLED)
    assert sink.content == b"onetwo"


def test_a_slow_disk_holds_the_network_back() -> None:
    import threading

    received = 0
    release = threading.Event()

    def sink(chunks: Sequence[bytes | memoryview]) -> None:
        release.wait(10)

    async def receive() -> dict[str, Any]:
        nonlocal received
        if received >= 16 << 20:
            return {"type": "http.request", "body": b"", "more_body": False}
        received += 1 << 20
        if received >= 12 << 20:
            release.set()
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.2, release.set)
        assert received <= BACKLOG_BYTES + (2 << 20) or release.is_set()
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": True}

    assert drain(receive, sink).received == 16 << 20


def test_what_the_sink_raises_ends_the_body() -> None:
    def sink(chunks: Sequence[bytes | memoryview]) -> None:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        drain(scripted([b"x"]), sink)


def test_progress_is_reported_on_the_event_loop() -> None:
    reported: list[int] = []
    drain(scripted([bytes(SLICE_BYTES)] * 3), Sink(), on_progress=reported.append)
    assert reported[-1] == 3 * SLICE_BYTES
    assert reported == sorted(reported)
