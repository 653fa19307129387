"""Serves the resources of uploads: one ASGI application below the configured path.

It comes before the router. Most requests are for uploads, and small ones must be cheap: router,
route and exception middleware would be a third of the cost of a request before a use case begins.
"""

from dataclasses import dataclass

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.domain.target import TargetRequest
from tusd_py.http.context import AppContext
from tusd_py.http.routes import multipart
from tusd_py.http.routes.ietf import DraftEndpoint
from tusd_py.http.routes.tus import TusEndpoint
from tusd_py.ingest.scope_extensions import TRAILERS
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.head import Head
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
        self._draft = DraftEndpoint(context, app)
        self._base_path = context.settings.base_path
        self._collection = _Label(self._base_path[:-1])
        self._below = _Label(f"{self._base_path}{{resource:path}}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to an endpoint, or to the router."""
        if scope["type"] == "http":
            path = get_route_path(scope)
            if path.startswith(self._base_path):
                scope["route"] = self._below
                await self._serve(path.removeprefix(self._base_path), scope, receive, send)
                return
            if path == self._collection.path:
                scope["route"] = self._collection
                await self._serve("", scope, receive, send)
                return
            if path == multipart.PATH and await self._keep_body(path, scope, receive, send):
                return
        await self._app(scope, receive, send)

    async def _serve(self, resource: str, scope: Scope, receive: Receive, send: Send) -> None:
        head = _head(resource, scope)
        endpoint = self._draft if speaks_draft(head) else self._tus
        await endpoint(scope, receive, send, head)

    async def _keep_body(self, path: str, scope: Scope, receive: Receive, send: Send) -> bool:
        """Keep the body of a request to a target if its client can resume it.

        Returns: False if the request is for the target as it is.
        """
        head = _head("", scope)
        if not self._draft.keeps_body(scope, head):
            return False
        scope["route"] = _Label(path)
        target = TargetRequest(
            method=head.method,
            path=f"{path}?{head.query}" if head.query else path,
            content_type=head.fields.joined("Content-Type") or "",
        )
        await self._draft(scope, receive, send, head, target)
        return True


def _head(resource: str, scope: Scope) -> Head:
    # A copy of the fields: trailers must not change the head.
    return Head(
        method=scope["method"],
        resource=resource,
        query=scope["query_string"].decode("latin-1"),
        fields=Fields(list(scope["headers"])),
        trailers=scope.get("extensions", {}).get(TRAILERS, {}).get("fields", ()),
    )
