"""Applies the cross-origin rules to every answer, also to errors (checks C199 to C208).

A page that makes its own host name resolve to this machine (DNS rebinding) would evade them, so
requests for other host names are refused first, for HTTP and WebSocket alike.

Both are plain ASGI around the whole application. Starlette's own middleware answers preflights
without the tus headers and refuses unlisted request headers; a browser shows a refusal without
Access-Control-Allow-Origin as a network error.
"""

from collections.abc import Awaitable, Collection
from functools import lru_cache
from typing import Final

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tusd_py.domain.errors import HostNotAllowed, OriginNotAllowed
from tusd_py.http.authentication import Access
from tusd_py.http.errors import refuse
from tusd_py.protocol.fields import Fields, is_field_name
from tusd_py.protocol.host import HostRule
from tusd_py.protocol.origin import HOST_FIELDS, PublicAddress, named_hosts
from tusd_py.settings.access import CorsSettings
from tusd_py.settings.sources import SettingsError

ALLOW_METHODS: Final = "POST, PUT, HEAD, PATCH, DELETE, GET, OPTIONS"
ALLOW_HEADERS: Final = (
    "Authorization, Content-Digest, Content-Disposition, Content-Type, If-Match, "
    "If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Last-Event-ID, Origin, "
    "Range, Repr-Digest, Tus-Resumable, Upload-Checksum, Upload-Complete, Upload-Concat, "
    "Upload-Defer-Length, Upload-Draft-Interop-Version, Upload-Hash, Upload-Incomplete, "
    "Upload-Instant, Upload-Length, Upload-Metadata, Upload-Offset, Upload-Proof, Upload-Token, "
    "Want-Repr-Digest, X-HTTP-Method-Override, X-Request-ID, X-Requested-With"
)
EXPOSE_HEADERS: Final = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Repr-Digest, Retry-After, "
    "Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, "
    "Upload-Challenge, Upload-Complete, Upload-Concat, Upload-Defer-Length, "
    "Upload-Draft-Interop-Version, Upload-Expires, Upload-Incomplete, Upload-Instant, "
    "Upload-Length, Upload-Limit, Upload-Metadata, Upload-Offset, Upload-Token, X-Request-ID"
)
_NO_ORIGIN: Final = (
    "Pages of other sites may not use the server this way: the setting cors.allow_origins must "
    "list their origins, and they must send theirs (fetch, or the attribute crossorigin)."
)
_OF_A_PAGE: Final = frozenset({b"origin", b"sec-fetch-site"})
"""Fields that browsers add to the requests of pages.

Other clients send neither of them, and their requests skip all other checks.
"""
_OWN_SITE: Final = frozenset({"none", "same-origin"})
"""Values of Sec-Fetch-Site when the user navigates, and in requests of the server's own pages."""


class HostMiddleware:
    """Refuses requests for other host names than those of a rule."""

    def __init__(self, app: ASGIApp, rule: HostRule, *, open_paths: Collection[str]) -> None:
        """``open_paths`` are answered under any host name: they contain nothing confidential."""
        self._app = app
        self._rule = rule
        self._open_paths = open_paths
        # Clients name the same few hosts in every request.
        self._allows = lru_cache(256)(self._decide)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, or refuse it before anything else of it is read."""
        named = scope["type"] == "lifespan" or self._is_allowed(scope)
        if not named and get_route_path(scope) not in self._open_paths:
            return refuse(HostNotAllowed(), scope, receive, send)
        return self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        server = scope.get("server")
        fields = [field for field in scope["headers"] if field[0] in HOST_FIELDS]
        return self._allows(tuple(map(tuple, fields)), server[0] if server else None)

    def _decide(self, fields: tuple[tuple[bytes, bytes], ...], local_address: str | None) -> bool:
        """Return whether there is one Host (RFC 9112, 3.2) and all hosts are allowed.

        A proxy may write its own name into Host and the browser's into another field, and a page
        may set these other fields itself.
        """
        if sum(name == b"host" for name, _ in fields) != 1:
            return False
        return all(self._rule.allows(host, local_address) for host in named_hosts(fields))


def allowed_origins(settings: CorsSettings, access: Access) -> Collection[str]:
    """Return the origins of other sites whose pages may use the server; ``*``: all.

    Raises: SettingsError: all origins are allowed, although there is no authentication.
    """
    origins = settings.allow_origins
    if origins is None:
        return ("*",) if access.by_tokens else ()
    if "*" in origins and access.anonymous:
        raise SettingsError(
            "cors.allow_origins: * would let every web page read and delete all files, for no "
            "authentication is set; list the origins, or set auth"
        )
    return origins


class CorsMiddleware:
    """Wraps the whole application: marks answers for pages of other sites, or refuses the requests.

    Where each request needs a token in a header, only ``Origin`` is checked. Elsewhere a browser
    may give a page access without a token (by its place in the network, or by a cookie). There the
    Fetch Metadata (Sec-Fetch-Site) of a request without ``Origin`` is checked too.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: CorsSettings,
        *,
        origins: Collection[str],
        by_tokens: bool,
        address: PublicAddress,
        tus_path: str,
        pages: Collection[str],
        unmarked: Collection[str],
        open_paths: Collection[str],
        open_below: str,
    ) -> None:
        """Prepare the rules.

        Args: origins: the result of ``allowed_origins``. by_tokens: see ``Access``.
            address: how the server's own origin is known. pages: paths that a link of another site
            may open. unmarked: paths that no page of another site may read. open_paths: paths that
            are not checked. open_below: beginning of paths that are not checked either: their
            addresses are secret, and give the same to all who know them.
        """
        self._app = app
        self._address = address
        self._tus_path = tus_path
        self._pages = pages
        self._unmarked = unmarked
        self._open_paths = open_paths
        self._open_below = open_below
        self._origins = frozenset(origins)
        self._all = "*" in self._origins
        self._by_tokens = by_tokens
        self._marks = not settings.disable
        self._credentials = settings.allow_credentials
        self._max_age = str(int(settings.max_age))
        self._allows_all_headers = "*" in settings.allow_headers
        more = (name for name in settings.allow_headers if name != "*")
        self._allow_headers = ", ".join((ALLOW_HEADERS, *more))
        self._expose_headers = ", ".join((EXPOSE_HEADERS, *settings.expose_headers))

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on and mark its answer, or refuse it to a page that is not allowed."""
        if (
            scope["type"] == "lifespan"
            or _OF_A_PAGE.isdisjoint([name for name, _ in scope["headers"]])
            or self._is_open(get_route_path(scope))
        ):
            return self._app(scope, receive, send)
        return self._check_page(scope, receive, send)

    async def _check_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        origin = ", ".join(headers.getlist("origin")) if "origin" in headers else None
        if origin is None:
            if self._is_strange(scope, headers):
                await refuse(OriginNotAllowed(_NO_ORIGIN), scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        if not self._allows(origin, headers, scope):
            await refuse(OriginNotAllowed(), scope, receive, send)
            return
        unmarked = not self._marks or get_route_path(scope) in self._unmarked
        if scope["type"] == "websocket" or unmarked:
            await self._app(scope, receive, send)
            return
        await self._answer_marked(origin, headers, scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open_paths or path.startswith(self._open_below)

    async def _answer_marked(
        self, origin: str, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        app = self._app
        if preflight and not f"{get_route_path(scope)}/".startswith(self._tus_path):
            # Only the tus endpoint answers OPTIONS itself.
            app = Response(status_code=204)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                marks = MutableHeaders(scope=message)
                self._mark(marks, origin)
                if preflight:
                    self._mark_preflight(marks, headers)
                else:
                    marks["Access-Control-Expose-Headers"] = self._expose_headers
            await send(message)

        await app(scope, receive, marked)

    def _allows(self, origin: str, headers: Headers, scope: Scope) -> bool:
        """Return whether pages of this origin may use the server; its own pages always may.

        Where each request needs a token, the browser's word is enough that a page is the server's
        own: a page under a rebound name, for which it says the same, has no token.
        """
        if self._all or origin in self._origins:
            return True
        if self._by_tokens and headers.get("sec-fetch-site") == "same-origin":
            return True
        scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
        fields = Fields(scope["headers"])
        return origin in self._address.own_origins_of(fields, scheme=scheme)

    def _is_strange(self, scope: Scope, headers: Headers) -> bool:
        """Return whether a request without Origin comes from a page of another site.

        The result is False if a user only follows a link to a page or to a file: the page with the
        link can't read such an answer.
        """
        if self._all or self._by_tokens:
            return False
        if headers.get("sec-fetch-site", "none").lower() in _OWN_SITE:
            return False
        path = get_route_path(scope)
        followed = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        return not (followed and (path in self._pages or path.startswith(self._tus_path)))

    def _mark(self, headers: MutableHeaders, origin: str) -> None:
        if self._all and not self._credentials:
            headers["Access-Control-Allow-Origin"] = "*"
        else:
            headers["Access-Control-Allow-Origin"] = origin
            headers.add_vary_header("Origin")
        if self._credentials:
            headers["Access-Control-Allow-Credentials"] = "true"

    def _mark_preflight(self, headers: MutableHeaders, request: Headers) -> None:
        """Add what only the answer to a preflight has.

        The names that a page asks for are repeated, as ``*`` would not include Authorization, and
        would mean nothing with credentials (Fetch, 3.3.5).
        """
        headers["Access-Control-Allow-Methods"] = ALLOW_METHODS
        headers["Access-Control-Allow-Headers"] = self._allow_headers
        headers["Access-Control-Max-Age"] = self._max_age
        if self._allows_all_headers:
            headers.add_vary_header("Access-Control-Request-Headers")
            requested = request.get("access-control-request-headers", "").split(",")
            names = [name.strip() for name in requested if is_field_name(name.strip())]
            headers["Access-Control-Allow-Headers"] = ", ".join((self._allow_headers, *names))
