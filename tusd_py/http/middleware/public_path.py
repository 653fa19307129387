"""Makes ``root_path`` the path below which clients see this application.

Every address in an answer begins with ``root_path`` (``http.mount``), and routes follow it in
``path``: ASGI demands that ``path`` begins with it. A proxy that takes a prefix away, and a server
whose ``root_path`` is set because of that, break it.
"""

from collections.abc import Awaitable, Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.protocol.fields import Fields
from tusd_py.protocol.origin import PublicAddress


class PublicPathMiddleware:
    """Wraps the whole application, since everything else needs the path of the route."""

    def __init__(
        self, app: ASGIApp, address: PublicAddress, *, own_paths: Collection[str] = ()
    ) -> None:
        """``own_paths`` are beginnings of paths of routes."""
        self._app = app
        self._address = address
        self._own_paths = tuple(own_paths)
        self._always_as_received = not address.trusted and not address.path

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on with the public path of the application."""
        if scope["type"] == "lifespan" or (self._always_as_received and not scope.get("root_path")):
            return self._app(scope, receive, send)
        root = self._root_path(scope)
        path = root + self._route_path(scope)
        if (root, path) != (scope.get("root_path", ""), scope["path"]):
            scope = {**scope, "root_path": root, "path": path}
        return self._app(scope, receive, send)

    def _root_path(self, scope: Scope) -> str:
        """Return the path by the setting, or else the proxy's prefix before that of the mount.

        A server whose ``root_path`` is set because of the proxy has the prefix in it already.
        """
        if self._address.is_set:
            return self._address.path
        root: str = scope.get("root_path", "").rstrip("/")
        prefix = self._address.prefix_of(Fields(scope["headers"]))
        return root if _is_below(root, prefix) else prefix + root

    def _route_path(self, scope: Scope) -> str:
        """Return the part of the path that names a route.

        Before it there is ``root_path`` or the public path; or only the path of the mount, if a
        proxy took away what precedes that (``app_root_path`` of Starlette). It did so too if only
        the path as it is names a route: ``/api`` looks like the beginning of the server's own.
        """
        path: str = scope["path"]
        root: str = scope.get("root_path", "").rstrip("/")
        mount = root.removeprefix(scope.get("app_root_path", ""))
        before = root or self._address.path
        if _is_below(path, before):
            rest = _after(path, before)
            if before == mount or self._is_route(rest) or not self._is_route(path):
                return rest
        return _after(path, mount) if _is_below(path, mount) else path

    def _is_route(self, path: str) -> bool:
        return path.startswith(self._own_paths)


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _after(path: str, before: str) -> str:
    return path[len(before) :] or "/"
