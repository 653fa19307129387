"""Cross-origin rules on every answer, errors too: outermost, pure ASGI (C199-C208).

Starlette's own middleware answers preflights without the tus headers and refuses unlisted request
headers; a refusal without Access-Control-Allow-Origin reads as a network error in a browser.
"""

from collections.abc import Collection
from typing import Final

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tusd_py.domain.errors import OriginNotAllowed
from tusd_py.http.errors import respond
from tusd_py.settings import CorsSettings

ALLOW_METHODS: Final = "POST, HEAD, PATCH, DELETE, GET, OPTIONS"
ALLOW_HEADERS: Final = (
    "Authorization, Content-Type, Last-Event-ID, Origin, Range, Tus-Resumable, Upload-Checksum, "
    "Upload-Concat, Upload-Defer-Length, Upload-Hash, Upload-Instant, Upload-Length, "
    "Upload-Metadata, Upload-Offset, Upload-Proof, Upload-Token, X-HTTP-Method-Override, X-Request-ID, X-Requested-With"
)
EXPOSE_HEADERS: Final = (
    "Accept-Ranges, Content-Disposition, Content-Range, Location, Retry-After, "
    "Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, "
    "Upload-Challenge, Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Instant, Upload-Length, "
    "Upload-Metadata, Upload-Offset, Upload-Token, X-Request-ID"
)


class CrossOrigin:
    """Wraps the whole application."""

    def __init__(
        self, app: ASGIApp, settings: CorsSettings, *, tus_path: str, unmarked: Collection[str]
    ) -> None:
        """``unmarked``: paths that no page may read, whatever its origin."""
        self._app = app
        self._tus_path = tus_path
        self._unmarked = unmarked
        self._all = "*" in settings.allow_origins
        self._origins = frozenset(settings.allow_origins)
        self._credentials = settings.allow_credentials
        self._max_age = str(int(settings.max_age))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through with its answer marked, or refuse a stranger's page."""
        if scope["type"] != "http" or get_route_path(scope) in self._unmarked:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        if not self.allows(origin):
            await respond(OriginNotAllowed(), head=scope["method"] == "HEAD")(scope, receive, send)
            return
        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        app = self._app
        if preflight and not f"{get_route_path(scope)}/".startswith(self._tus_path):
            # Only the tus endpoint has an OPTIONS of its own to answer.
            app = Response(status_code=204)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(MutableHeaders(scope=message), origin, preflight=preflight)
            await send(message)

        await app(scope, receive, marked)

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may use the server."""
        return self._all or origin in self._origins

    def _mark(self, headers: MutableHeaders, origin: str, *, preflight: bool) -> None:
        if self._all and not self._credentials:
            headers["Access-Control-Allow-Origin"] = "*"
        else:
            headers["Access-Control-Allow-Origin"] = origin
            headers.add_vary_header("Origin")
        if self._credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        if preflight:
            headers["Access-Control-Allow-Methods"] = ALLOW_METHODS
            headers["Access-Control-Allow-Headers"] = ALLOW_HEADERS
            headers["Access-Control-Max-Age"] = self._max_age
        else:
            headers["Access-Control-Expose-Headers"] = EXPOSE_HEADERS
