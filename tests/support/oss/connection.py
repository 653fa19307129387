"""HTTP/1.1 of the endpoint: connections, one thread each, and how answers are sent on them."""

import secrets
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO, Final, cast

from support.oss.answers import Answer
from support.oss.body import Body
from support.oss.control import PREFIX, Control
from support.oss.exchange import Endpoint, Exchange

_CHUNK_BYTES: Final = 1 << 18
_CLOSE_SECONDS: Final = 30.0


class Listener(ThreadingHTTPServer):
    """Accepts connections on loopback and keeps a list of those that are open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, endpoint: Endpoint, control: Control) -> None:
        self.endpoint = endpoint
        self.control = control
        self._changed = threading.Condition()
        self._connections: set[Any] = set()
        super().__init__(("127.0.0.1", port), Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def close_connections(self) -> None:
        """Close the open connections and wait until their threads have ended."""
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            ended = self._changed.wait_for(lambda: not self._connections, _CLOSE_SECONDS)
        assert ended, "a connection does not end"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report the error, unless the client closed the connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """One connection, on which many requests may come."""

    protocol_version = "HTTP/1.1"
    server_version = "AliyunOSS"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        """Handle a request of any method: the path or the operations decide."""
        listener = cast(Listener, self.server)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = Body(cast(BinaryIO, self.rfile), headers)
        self._request_id = secrets.token_hex(12).upper()
        if self.path.startswith(PREFIX):
            self._send(listener.control.answer(self.command, self.path, b"".join(body)))
            return
        exchange = Exchange(listener.endpoint, body, self._request_id)
        answer = exchange.answer(self.command, self.path, headers)
        if answer is None:
            self._hang_up()
            return
        self._send(answer, truncated=exchange.fault == "truncate")

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815  (http.server looks for these)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name there)
        """Log nothing: the calls are recorded elsewhere."""

    def _send(self, answer: Answer, *, truncated: bool = False) -> None:
        self.send_response(answer.status)
        self.send_header("x-oss-request-id", self._request_id)
        self.send_header("x-oss-server-time", "1")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body) or answer.length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        if answer.file is not None:
            with answer.file:
                self._send_file(answer.file, answer.length // 2 if truncated else answer.length)
        self.wfile.flush()
        if truncated:
            self._hang_up()

    def _send_file(self, file: BinaryIO, length: int) -> None:
        while length and (data := file.read(min(_CHUNK_BYTES, length))):
            self.wfile.write(data)
            length -= len(data)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
