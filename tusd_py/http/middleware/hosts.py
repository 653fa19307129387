"""Which names the server answers to: pure ASGI, HTTP and WebSocket alike (against DNS rebinding)."""

from collections.abc import Collection

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tusd_py.domain.errors import HostNotAllowed
from tusd_py.http.errors import refuse
from tusd_py.protocol.host import HostRule
from tusd_py.protocol.origin import named_hosts


class HostMiddleware:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, rule: HostRule, *, open_paths: Collection[str]) -> None:
        """``open_paths`` are answered under any name: they give nothing away."""
        self._app = app
        self._rule = rule
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or refuse it before anything of it is looked at."""
        named = scope["type"] == "lifespan" or self._is_allowed(scope)
        if not named and get_route_path(scope) not in self._open_paths:
            await refuse(HostNotAllowed(), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        """Whether the head names a host once (RFC 9112, 3.2), and only ours: a proxy may put its own name into Host and the
        browser's elsewhere, and a page may write the other fields itself."""
        if sum(name == b"host" for name, _ in scope["headers"]) != 1:
            return False
        hosts = named_hosts(scope["headers"])
        server = scope.get("server")
        local_address = server[0] if server else None
        return all(self._rule.allows(host, local_address) for host in hosts)
