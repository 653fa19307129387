"""``/healthz``, ``/readyz`` and ``/metrics`` of a worker process: GET and HEAD, nothing else."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from tusd_py.monitoring.checks import Checks, health
from tusd_py.monitoring.figures import CONTENT_TYPE, Figures

log = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 10.0
"""A client that says nothing for so long is let go of."""
Answer = tuple[int, str, bytes]
"""Status, content type, body."""


def answers(
    checks: Checks, figures: Figures, alive: Callable[[], bool]
) -> Mapping[str, Callable[[], Answer]]:
    """What is told at each path."""

    def readyz() -> Answer:
        found = checks.readiness()
        return _json(found.http_status, found.members())

    return {
        "/healthz": lambda: _json(*health(alive)),
        "/readyz": readyz,
        "/metrics": lambda: (200, CONTENT_TYPE, figures.text()),
    }


def _json(status: int, members: Mapping[str, object]) -> Answer:
    return status, "application/json", json.dumps(members).encode()


@contextmanager
def listening(listen: str, told: Mapping[str, Callable[[], Answer]]) -> Iterator[str]:
    """Answer at ``host:port`` (port 0: any free one) for the length of a block.

    Yields: the address. Raises: OSError: it can't be had.
    """
    host, _, port = listen.rpartition(":")
    with _Server((host.strip("[]"), int(port)), _Request) as server:
        server.told = told
        thread = threading.Thread(target=server.serve_forever, name="worker-listener", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    told: Mapping[str, Callable[[], Answer]]


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_SECONDS
    server_version = "tusd-py"
    sys_version = ""

    def do_GET(self) -> None:
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
