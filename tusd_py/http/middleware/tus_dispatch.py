"""Calls the tus endpoint before the router: a plain ASGI application below the Starlette one.

Most requests go to this endpoint, and small ones must be cheap: router, route and exception
middleware would be a third of the cost of a request before a use case begins.
"""

from dataclasses import dataclass

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.http.routes.tus import TusEndpoint


@dataclass(frozen=True, slots=True)
class _Label:
    """Is the label of a route in metrics (``RequestMetrics``)."""

    path: str


class TusDispatch:
    """Wraps the router, inside the error middleware and the cross-origin rules."""

    def __init__(self, app: ASGIApp, endpoint: TusEndpoint, base_path: str) -> None:
        self._app = app
        self._endpoint = endpoint
        self._base_path = base_path
        self._collection = _Label(base_path[:-1])
        self._below = _Label(f"{base_path}{{resource:path}}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the endpoint, or to the router."""
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
