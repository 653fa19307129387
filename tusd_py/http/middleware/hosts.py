"""Refuses requests for other host names, against DNS rebinding, for HTTP and WebSocket alike."""

from collections.abc import Collection

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.domain.errors import HostNotAllowed
from tusd_py.http.errors import refuse
from tusd_py.protocol.host import HostRule
from tusd_py.protocol.origin import named_hosts


class HostMiddleware:
    """Wraps the whole application, in plain ASGI."""

    def __init__(self, app: ASGIApp, rule: HostRule, *, open_paths: Collection[str]) -> None:
        """``open_paths`` are answered under any host name: they contain nothing confidential."""
        self._app = app
        self._rule = rule
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before anything else of it is read."""
        named = scope["type"] == "lifespan" or self._is_allowed(scope)
        if not named and get_route_path(scope) not in self._open_paths:
            await refuse(HostNotAllowed(), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        """Return whether the head has one Host (RFC 9112, 3.2) and names only allowed hosts.

        A proxy may write its own name into Host and the browser's into another field, and a page
        may set these other fields itself.
        """
        if sum(name == b"host" for name, _ in scope["headers"]) != 1:
            return False
        hosts = named_hosts(scope["headers"])
        server = scope.get("server")
        local_address = server[0] if server else None
        return all(self._rule.allows(host, local_address) for host in hosts)
