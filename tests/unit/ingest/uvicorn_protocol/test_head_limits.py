"""Tests that heads beyond the limits are refused and heads at the limits are accepted."""

from collections.abc import Callable, Coroutine

import pytest
from support.async_http import code_of, connected, request
from support.recorder import Recorder
from support.uvicorn_server import limits, serving

Play = Callable[[Coroutine[None, None, None]], None]

MIB = 1 << 20
TOO_LARGE = {
    "value": (request()[:-2] + b"A: " + b"a" * MIB, 431, "head_too_large"),
    "name": (request()[:-2] + b"a" * MIB, 431, "head_too_large"),
    "spaces": (request()[:-2] + b"A: " + b" " * MIB, 431, "head_too_large"),
    "whole value": (
        request()[:-2] + b"A: " + b"a" * 9000 + b"\r\n\r\n", 431, "head_too_large",
    ),
    "fields": (request()[:-2] + b"a:b\r\n" * 300_000, 431, "head_too_large"),
    "just too many fields": (
        request()[:-2] + b"a:b\r\n" * 20 + b"\r\n", 431, "head_too_large",
    ),
    "target": (b"GET /" + b"a" * MIB, 414, "target_too_long"),
    "whole target": (b"GET /" + b"a" * 1024 + b" HTTP/1.1\r\n\r\n", 414, "target_too_long"),
    "empty lines": (b"\r\n" * MIB, 431, "head_too_large"),
    "method": (b"G" * MIB, 400, "malformed_request"),
}  # fmt: skip


@pytest.mark.parametrize("piece", [MIB * 2, 1000], ids=["at once", "in pieces"])
def test_a_head_that_is_too_large_is_refused(play: Play, piece: int) -> None:
    small = limits(head_bytes=8192, target_bytes=1024, fields=20)

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=small) as port:
            for what, (head, status, code) in TOO_LARGE.items():
                async with connected(port) as client:
                    # The request before it is answered, and its connection stays open.
                    client.send(request(path="/a"))
                    assert await client.answer() == (200, b"/a")
                    for start in range(0, len(head), piece):
                        client.send(head[start : start + piece])
                    assert code_of(await client.answer()) == (status, code), what
                    assert await client.answers() == [], what
        assert app.seen == ["/a"] * len(TOO_LARGE)

    play(run())


def test_a_head_at_its_limits_is_taken(play: Play) -> None:
    small = limits(head_bytes=8192, target_bytes=1024, fields=20)
    target = "/" + "a" * 1023
    fields = [f"a: {'b' * 100}"] * 18
    taken = len(target) + len("HostX") + 4 + 18 * (1 + 100 + 4)
    whole = request("GET", target, *fields, "c: " + "d" * (8192 - taken - 5))

    async def run() -> None:
        app = Recorder()
        async with serving(app, connections=small) as port, connected(port) as client:
            for _ in range(2):
                client.send(whole)
                assert await client.answer() == (200, target.encode())
            for byte in whole:
                client.send(bytes([byte]))
                await client.writer.drain()
            assert await client.answer() == (200, target.encode())

    play(run())
