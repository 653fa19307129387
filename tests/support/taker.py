"""An application that takes bodies as uploads do, and keeps what it got."""

import asyncio
from collections.abc import Sequence

from support.uvicorn_server import Receive, Scope, Send

from tusd_py.ingest.scope_extensions import INTERIM, SOCKET_HANDOFF, TRAILERS
from tusd_py.ingest.socket_body import body_of
from tusd_py.threads import Threads
from tusd_py.uploads.body import CancelToken, DrainResult


class Taker:
    """Drains each body and answers 204; ``listens``: another task receives at the same time."""

    def __init__(self, threads: Threads, *, listens: bool = False) -> None:
        self._threads = threads
        self._listens = listens
        self.got = bytearray()
        self.drained: list[DrainResult] = []
        self.lent: list[bool] = []
        self.trailers: list[list[tuple[bytes, bytes]]] = []
        self.interim = 0
        """Number of interim answers while a body arrives."""

    def sink(self, chunks: Sequence[bytes | memoryview]) -> None:
        for chunk in chunks:
            self.got += chunk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Some middleware receives at the same time, to detect disconnects.
        listener = asyncio.ensure_future(receive()) if self._listens else None
        body = body_of(scope, receive, self._threads)
        self.lent.append(SOCKET_HANDOFF in scope["extensions"])
        announcer = asyncio.ensure_future(self._announce(send))
        self.drained.append(
            await body.drain(
                self.sink, limit=None, idle_timeout=10, min_rate=0, cancel=CancelToken()
            )
        )
        announcer.cancel()
        if listener is not None:
            listener.cancel()
        self.trailers.append(list(scope["extensions"][TRAILERS]["fields"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _announce(self, send: Send) -> None:
        for _ in range(self.interim):
            await send({"type": INTERIM, "status": 104, "headers": []})
            await asyncio.sleep(0)
