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
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tusd_py.monitoring.checks import Checks, health
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
def serving(listen: str, routes: Routes, *, allowed_hosts: Iterable[str]) -> Iterator[str]:
    """Serve at ``host:port`` or at the path of a Unix socket while the block runs.

    Args: listen: port 0 is any free one. allowed_hosts: names that requests may use on loopback in
        addition to loopback names.
    Yields: the address.
    Raises: OSError: the address, which is in its ``filename``, is not available.
    """
    try:
        server, address = _bound(listen, allowed_hosts)
    except OSError as error:
        raise OSError(error.errno, error.strerror, listen) from error
    with server:
        server.routes = routes
        thread = threading.Thread(target=server.serve_forever, name="monitoring", daemon=True)
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


def _bound(listen: str, allowed_hosts: Iterable[str]) -> "tuple[_Server, str]":
    if listen.startswith("/"):
        # typeshed allows TCP only.
        return _UnixServer(listen, _Request), f"unix:{listen}"  # type: ignore[arg-type]
    host, _, port = listen.rpartition(":")
    server = _Server((host.strip("[]"), int(port)), _Request)
    if is_loopback(host.strip("[]").lower()):
        server.host_rule = HostRule(allowed_hosts)
    return server, f"http://{host}:{server.server_address[1]}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    routes: Routes
    host_rule: HostRule | None = None
    """None: a client that reaches the address may use any name."""


class _UnixServer(_Server):
    """Serves at a path, for the user that runs it and the user's group."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        """Take the path; a socket there that no process serves any more is removed first."""
        place = Path(str(self.server_address))
        if place.is_socket() and not _serves(place):
            place.unlink()
        self.socket.bind(str(place))
        place.chmod(0o660)
        self.server_name, self.server_port = "localhost", 0

    def server_close(self) -> None:
        """Close, and remove the path."""
        super().server_close()
        Path(str(self.server_address)).unlink(missing_ok=True)


def _serves(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        try:
            visitor.connect(str(place))
        except ConnectionRefusedError:
            return False
    return True


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
