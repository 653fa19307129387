"""Serves ``/healthz``, ``/readyz`` and ``/metrics`` at an address of their own: only GET and HEAD.

A worker process has no other address; a server may have this one so that its port serves only its
users. On loopback requests must name the machine itself (``HostRule``), since a web page could
point a name of its own to loopback.
"""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from tusd_py.monitoring.checks import Checks, health
from tusd_py.monitoring.listening import listening
from tusd_py.monitoring.registry import CONTENT_TYPE, Metrics
from tusd_py.protocol.host import HostRule, is_loopback

log = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 10.0
"""The connection of a client that is silent for this time is closed."""
Answer = tuple[int, str, bytes]
"""Status, content type, body."""
Routes = Mapping[str, Callable[[], Answer]]
"""Functions that answer, by path."""


def monitoring_routes(checks: Checks, metrics: Metrics, alive: Callable[[], bool] | None) -> Routes:
    """Return the functions that answer, by path."""

    def readyz() -> Answer:
        found = checks.readiness()
        return _json(found.http_status, found.members(for_operators=True))

    return {
        "/healthz": lambda: _json(*health(alive)),
        "/readyz": readyz,
        "/metrics": lambda: (200, CONTENT_TYPE, metrics.text()),
    }


def _json(status: int, members: Mapping[str, object]) -> Answer:
    return status, "application/json", json.dumps(members).encode()


@contextmanager
def serving(
    listen: str,
    routes: Routes,
    *,
    allowed_hosts: Iterable[str],
    listener: socket.socket | None = None,
) -> Iterator[str]:
    """Serve at ``host:port`` or at the path of a Unix socket while the block runs.

    Args: listen: port 0 is any free one. allowed_hosts: names that requests may use on loopback in
        addition to loopback names. listener: what ``listening`` yielded for the same ``listen``, in
        this process or in one that shares it with this one; it is closed at the end.
    Yields: the address.
    Raises: OSError: the address, which is in its ``filename``, is not available.
    """
    with ExitStack() as stack:
        listener = listener or stack.enter_context(listening(listen))
        server = stack.enter_context(_Server(listener, routes, _host_rule(listen, allowed_hosts)))
        thread = threading.Thread(target=server.serve_forever, name="monitoring", daemon=True)
        thread.start()
        try:
            yield _address(listen, listener)
        finally:
            server.shutdown()
            thread.join()


def _host_rule(listen: str, allowed_hosts: Iterable[str]) -> HostRule | None:
    host = listen.rpartition(":")[0].strip("[]").lower()  # '' for a path
    return HostRule(allowed_hosts) if is_loopback(host) else None


def _address(listen: str, listener: socket.socket) -> str:
    if listen.startswith("/"):
        return f"unix:{listen}"
    return f"http://{listen.rpartition(':')[0]}:{listener.getsockname()[1]}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, routes: Routes, host_rule: HostRule | None) -> None:
        super().__init__(("", 0), _Request, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        # Of several processes that see a connection, one accepts it; the others must not wait.
        listener.setblocking(False)
        self.routes = routes
        self.host_rule = host_rule
        """None: a client that reaches the address may use any name."""


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_SECONDS
    server_version = "tusd-py"
    sys_version = ""

    def do_GET(self) -> None:
        rule = self.server.host_rule
        hosts = self.headers.get_all("Host") or []
        if rule is not None and not (len(hosts) == 1 and rule.allows(hosts[0], None)):
            self.send_error(421)
            return
        answer = self.server.routes.get(self.path.partition("?")[0])
        if answer is None:
            self.send_error(404)
            return
        status, content_type, body = answer()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        log.debug("listener.request", extra={"line": format % args})
