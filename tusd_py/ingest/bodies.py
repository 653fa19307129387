"""The fastest way to a request's body that its server offers."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from tusd_py.ingest.asgi_body import AsgiBody, Receive
from tusd_py.ingest.scope_extensions import LENDER
from tusd_py.ingest.socket_body import LentBody
from tusd_py.threads import Threads
from tusd_py.uploads.body import Body


def body_of(scope: MutableMapping[str, Any], receive: Receive, threads: Threads) -> Body:
    """The body of the request with this scope: lent where the connection is ours and its length is
    known, else by way of ASGI (TLS in process, chunked, other servers)."""
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    if LENDER in extensions:
        return LentBody(extensions[LENDER]["lender"], threads)
    return AsgiBody(receive, threads)
