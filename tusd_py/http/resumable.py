"""Lets clients resume requests to endpoints of the application in which the server is mounted."""

from collections.abc import Collection
from urllib.parse import quote

from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.http.context import AppContext
from tusd_py.http.routes import multipart
from tusd_py.http.targets import OuterEndpoints, keeps_body, target_of
from tusd_py.http.upload_requests import head_of
from tusd_py.ingest.scope_extensions import RESUMABLE


class ResumableRequests:
    """Wraps the application, as middleware; clients of the IETF's draft can resume what they send.

    The mounted server keeps the body of a request. When it is complete, the endpoint gets it as one
    ordinary request, whose Idempotency-Key is the same if a crash makes the request come again.
    Middleware that identifies the user must be outside of this one. All other requests pass.
    """

    def __init__(
        self, app: ASGIApp, *, server: Starlette, mount: str, paths: Collection[str]
    ) -> None:
        """Wrap the application.

        Args: server: what ``create_app`` returned. mount: the path at which the application mounts
            it. paths: of the endpoints, as they are, without parameters.
        Raises: ValueError: the server has an endpoint of its own with such a path.
        """
        if multipart.PATH in paths:
            raise ValueError(f"The server has {multipart.PATH} itself.")
        self._app = app
        self._server = server
        self._mount = mount.rstrip("/")
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the application, or its body to the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context: AppContext = self._server.state.context
        path, target = get_route_path(scope), None
        if path in self._paths:
            head = head_of(scope, "")
            if keeps_body(context.settings, scope, head):
                target = target_of(head, path)
        # Also the request that completes a body comes by here, on its way to the server.
        outer = OuterEndpoints(self._app, self._paths, dict(scope), target)
        scope["extensions"] = {**(scope.get("extensions") or {}), RESUMABLE: outer}
        if target is None:
            await self._app(scope, receive, send)
        else:
            creation = self._creation(scope, context.settings.base_path)
            await self._server(creation, receive, send)

    def _creation(self, scope: Scope, base_path: str) -> Scope:
        """Return the request as one that creates an upload at the mounted server."""
        outer = scope.get("root_path", "")
        root = f"{outer}{self._mount}"
        path = f"{root}{base_path}"
        return {
            **scope,
            "app_root_path": scope.get("app_root_path", outer),
            "root_path": root,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": b"",
        }
