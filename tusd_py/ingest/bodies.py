"""Chooses the fastest source of a request's body that the server offers."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from tusd_py.ingest.asgi_body import AsgiBody, Receive
from tusd_py.ingest.scope_extensions import SOCKET_HANDOFF
from tusd_py.ingest.socket_body import SocketBody
from tusd_py.threads import Threads
from tusd_py.uploads.body import Body


def body_of(scope: MutableMapping[str, Any], receive: Receive, threads: Threads) -> Body:
    """Return the body of the request with this scope.

    It is read from the socket if this package's connection class serves the request and the body's
    length is known, otherwise through ASGI (TLS in process, chunked, other servers).
    """
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    if SOCKET_HANDOFF in extensions:
        return SocketBody(extensions[SOCKET_HANDOFF]["lender"], threads)
    return AsgiBody(receive, threads)
