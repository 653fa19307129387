"""Tests that a request is freed when it is answered, without a pass of the garbage collector.

The collector runs rarely, so that bodies of hundreds of answered requests would stay in memory.
"""

import gc
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from support.async_http import CHUNKED, connected, request
from support.recorder import Recorder
from support.uvicorn_server import Receive, Scope, Send, serving

from tusd_py.ingest.uvicorn_request import RequestCycle

Play = Callable[[Coroutine[None, None, None]], None]
BODY = b"x" * 5000
CHUNKS = b"1388\r\n%b\r\n0\r\n\r\n" % BODY
WITH_LENGTH = request("POST", "/a", f"Content-Length: {len(BODY)}")


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


class Remembering(Recorder):
    """Keeps weak references to all requests."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[weakref.ref[RequestCycle]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served_by: Any = receive
        self.requests.append(weakref.ref(served_by.__self__))
        await super().__call__(scope, receive, send)


@pytest.mark.parametrize(
    "sent",
    [request(), WITH_LENGTH + BODY, CHUNKED + CHUNKS],
    ids=["no body", "length", "chunked"],
)
def test_an_answered_request_is_freed(play: Play, sent: bytes) -> None:
    async def run() -> None:
        app = Remembering()
        async with serving(app) as port, connected(port) as client:
            for _ in range(5):
                client.send(sent)
                assert (await client.answer())[0] == 200
            # The connection has the request that came last.
            alive = [one() is not None for one in app.requests]
            assert alive[:-1] == [False] * 4

    play(run())
