"""``/healthz``, ``/readyz`` and ``/metrics`` at an address of their own: GET and HEAD, nothing else.

A worker process has no other address; a server may have this one so that its port answers only what is
for its users. On loopback requests must name the machine itself (``HostRule``): a web page could rebind a
name of its own.
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
"""A client that says nothing for so long is let go of."""
Answer = tuple[int, str, bytes]
"""Status, content type, body."""
Told = Mapping[str, Callable[[], Answer]]
"""What is answered, by path."""


def answer_for(checks: Checks, metrics: Metrics, alive: Callable[[], bool] | None) -> Told:
    """What is told at each path."""

    def readyz() -> Answer:
        found = checks.readiness()
        return _json(found.http_status, found.members())

    return {
        "/healthz": lambda: _json(*health(alive)),
        "/readyz": readyz,
        "/metrics": lambda: (200, CONTENT_TYPE, metrics.text()),
    }


def _json(status: int, members: Mapping[str, object]) -> Answer:
    return status, "application/json", json.dumps(members).encode()


@contextmanager
def serving(listen: str, told: Told, *, allowed_hosts: Iterable[str]) -> Iterator[str]:
    """Answer at ``host:port`` (port 0: any free one), or at the path of a Unix socket, for the length of a
    block.

    Args: allowed_hosts: names that requests may use on loopback besides loopback names.
    Yields: the address. Raises: OSError: it can't be had.
    """
    if listen.startswith("/"):
        # typeshed knows TCP alone.
        server: _Server = _UnixServer(listen, _Request)  # type: ignore[arg-type]
        address = f"unix:{listen}"
    else:
        host, _, port = listen.rpartition(":")
        server = _Server((host.strip("[]"), int(port)), _Request)
        address = f"http://{host}:{server.server_address[1]}"
        if is_loopback(host.strip("[]").lower()):
            server.host_rule = HostRule(allowed_hosts)
    with server:
        server.told = told
        thread = threading.Thread(target=server.serve_forever, name="monitoring", daemon=True)
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    told: Told
    host_rule: HostRule | None = None
    """None: whoever reaches the address may ask under any name."""


class _UnixServer(_Server):
    """At a path, for the user that runs it and his group."""

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
        tell = self.server.told.get(self.path.partition("?")[0])
        if tell is None:
            self.send_error(404)
            return
        status, content_type, body = tell()
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
