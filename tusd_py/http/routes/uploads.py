"""Serves the resources of uploads: one ASGI application below the configured path.

It comes before the router. Most requests are for uploads, and small ones must be cheap: router,
route and exception middleware would be a third of the cost of a request before a use case begins.
"""

from collections.abc import Awaitable
from dataclasses import dataclass

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.domain.target import TargetRequest
from tusd_py.http.context import AppContext
from tusd_py.http.routes import multipart
from tusd_py.http.routes.ietf import DraftEndpoint
from tusd_py.http.routes.tus import TusEndpoint
from tusd_py.http.targets import OuterEndpoints, Targets, keeps_body, target_of
from tusd_py.http.upload_requests import head_of
from tusd_py.ingest.scope_extensions import RESUMABLE
from tusd_py.protocol.ietf.requests import speaks_draft


@dataclass(frozen=True, slots=True)
class _Label:
    """Is the label of a route in metrics (``RequestMetrics``)."""

    path: str


class UploadDispatch:
    """Wraps the router, and passes each request for uploads to the endpoint of its protocol."""

    def __init__(self, app: ASGIApp, context: AppContext) -> None:
        self._app = app
        self._tus = TusEndpoint(context)
        self._draft = DraftEndpoint(context, Targets(context.uploads, app, {multipart.PATH}))
        self._settings = context.settings
        self._base_path = context.settings.base_path
        self._collection = _Label(self._base_path[:-1])
        self._below = _Label(f"{self._base_path}{{resource:path}}")

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request to an endpoint, or to the router."""
        if scope["type"] == "http":
            path = get_route_path(scope)
            if path.startswith(self._base_path):
                scope["route"] = self._below
                return self._serve(path.removeprefix(self._base_path), scope, receive, send)
            if path == self._collection.path:
                scope["route"] = self._collection
                return self._serve("", scope, receive, send)
            if path == multipart.PATH:
                head = head_of(scope, "")
                if keeps_body(self._settings, scope, head):
                    scope["route"] = _Label(path)
                    target = target_of(head, path)
                    return self._draft(scope, receive, send, head, target)
        return self._app(scope, receive, send)

    def _serve(self, resource: str, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        head = head_of(scope, resource)
        if speaks_draft(head):
            target = None if resource else _outer_target(scope)
            return self._draft(scope, receive, send, head, target)
        return self._tus(scope, receive, send, head)


def _outer_target(scope: Scope) -> TargetRequest | None:
    """Return the request whose body is kept for the application outside this one."""
    outer: OuterEndpoints | None = (scope.get("extensions") or {}).get(RESUMABLE)
    return None if outer is None else outer.target
