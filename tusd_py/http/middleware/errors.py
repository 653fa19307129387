"""Answers for every exception of a route: it is logged, and the answer shows no details of it."""

import logging
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tusd_py.domain.errors import LifespanMissing, TusdError
from tusd_py.http.errors import refuse
from tusd_py.ingest.scope_extensions import TRAILERS

log = logging.getLogger(__name__)


class ErrorMiddleware:
    """Wraps the routes, inside the cross-origin rules, so that they apply to a 500 too."""

    def __init__(self, app: ASGIApp, running: Callable[[], bool]) -> None:
        """Wrap ``app``; ``running`` returns whether the lifespan runs, which all requests need."""
        self._app = app
        self._running = running
        self._server_known = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; send an error if it fails before its answer began."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._server_known:
            self._server_known = True
            _name_server(scope)
        started = False

        def watched(message: Message) -> Awaitable[None]:
            nonlocal started
            # An interim response is not the answer: an error can still follow it.
            started = started or message["type"] == "http.response.start"
            return send(message)

        try:
            if not self._running():
                raise LifespanMissing
            await self._app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            refusal = error if isinstance(error, TusdError) else _unexpected(error)
            await refuse(refusal, scope, receive, send)


def _name_server(scope: Scope) -> None:
    """Warn, with the first request, if the limits of ``settings.connections`` do not apply."""
    if TRAILERS not in (scope.get("extensions") or {}):
        log.warning("connections.limits_of_another_server", extra={"see": "docs/security.md"})


def _unexpected(error: Exception) -> TusdError:
    log.error("request.crashed", exc_info=error)
    return TusdError()
