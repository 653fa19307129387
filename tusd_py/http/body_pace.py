"""Limits the time of every body that a route reads by ASGI: forms, JSON, and unread bodies.

The tus endpoint does not use this module: its bodies are read by ``uploads.body.Body``, which has
the same rule.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tusd_py.domain.errors import BodyTimeout
from tusd_py.uploads.body import BodyWatchdog

_GONE: Message = {"type": "http.disconnect"}


class BodyPaceMiddleware:
    """Wraps the routes; a ``receive`` ends when the client is silent or too slow."""

    def __init__(self, app: ASGIApp, *, idle_timeout: float, min_rate: float) -> None:
        """``idle_timeout`` is in seconds, ``min_rate`` in bytes a second: see ``BodyWatchdog``."""
        self._app = app
        self._idle_timeout = idle_timeout
        self._min_rate = min_rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a body that ends.

        Raises: BodyTimeout: raised by ``receive`` before the answer began; after that, ``receive``
            returns ``http.disconnect`` instead.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _PacedBody(receive, self._idle_timeout, self._min_rate)

        async def watched(message: Message) -> None:
            body.answered = body.answered or message["type"] == "http.response.start"
            await send(message)

        await self._app(scope, body.receive, watched)


class _PacedBody:
    """Receives one body; only the time within ``receive`` counts, which the client causes."""

    def __init__(self, receive: Receive, idle_timeout: float, min_rate: float) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._left_at = self._loop.time()
        self._pace = BodyWatchdog(idle_timeout=idle_timeout, min_rate=min_rate, now=self._left_at)
        self._complete = False
        self._given_up = False
        self.answered = False

    async def receive(self) -> Message:
        """Return the next message; see ``BodyPaceMiddleware.__call__``."""
        if self._complete:
            return await self._receive()
        if not self._given_up:
            now = self._loop.time()
            self._pace.on_pause(now - self._left_at, now)
            try:
                async with asyncio.timeout(None) as deadline:
                    watch = _Watch(self._pace, deadline)
                    try:
                        message = await self._receive()
                    finally:
                        watch.stop()
            except TimeoutError:
                self._given_up = True
            else:
                self._take(message)
                return message
        if self.answered:
            return _GONE
        raise BodyTimeout

    def _take(self, message: Message) -> None:
        self._left_at = self._loop.time()
        self._pace.on_bytes(len(message.get("body", b"")), self._left_at)
        self._complete = message["type"] != "http.request" or not message.get("more_body", False)


class _Watch:
    """Ends a deadline when the pace has expired; what is awaited is not disturbed before."""

    def __init__(self, pace: BodyWatchdog, deadline: asyncio.Timeout) -> None:
        self._pace = pace
        self._deadline = deadline
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(pace.next_check(self._loop.time()), self._check)

    def stop(self) -> None:
        self._timer.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        if self._pace.expired(now):
            self._deadline.reschedule(now)
        else:
            self._timer = self._loop.call_later(max(self._pace.next_check(now), 0.01), self._check)
