"""The tus endpoint ahead of the router: a plain ASGI application under the Starlette one.

Its requests are the most, and the smallest count: router, route and exception middleware would be a
third of what a request costs before any use case begins.
"""

from dataclasses import dataclass

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.http.routes.tus import TusEndpoint


@dataclass(frozen=True, slots=True)
class _Label:
    """What figures call a route (``RequestMetrics``)."""

    path: str


class TusDispatch:
    """Wraps the router, inside the guard and the cross-origin rules."""

    def __init__(self, app: ASGIApp, endpoint: TusEndpoint, base_path: str) -> None:
        self._app = app
        self._endpoint = endpoint
        self._base_path = base_path
        self._collection = _Label(base_path[:-1])
        self._below = _Label(f"{base_path}{{resource:path}}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """To the endpoint, or on to the router."""
        if scope["type"] == "http":
            path = get_route_path(scope)
            if path.startswith(self._base_path):
                scope["route"] = self._below
                await self._endpoint(scope, receive, send)
                return
            if path == self._collection.path:
                scope["route"] = self._collection
                await self._endpoint(scope, receive, send)
                return
        await self._app(scope, receive, send)
