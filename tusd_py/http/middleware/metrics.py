"""Counts requests, once per answer (requirement S23)."""

from collections.abc import Awaitable
from functools import cache
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tusd_py.monitoring.server_metrics import ServerMetrics

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST"})
NONE: Final = "none"


class RequestMetrics:
    """Wraps the whole application, in plain ASGI."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        self._app = app
        self._counter = cache(metrics.response_counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the answer when it begins: a stream may last for hours."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        def watched(message: Message) -> Awaitable[None]:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                self._count(scope, f"{message['status'] // 100}xx")
            return send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            if not answered:
                self._count(scope, NONE)

    def _count(self, scope: Scope, status: str) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        # The template, never the path: text of clients must not become labels.
        route = getattr(scope.get("route"), "path", NONE)
        self._counter(method, route, status)()
