"""A body that stops, or comes too slowly, is ended on every path that reads one."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pytest
from support.raw_http import Connection, connected
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import creation

API: Final = "/api/file/upload"
FORM: Final = {"Content-Type": "multipart/form-data; boundary=b"}
JSON: Final = {"Content-Type": "application/json"}
FIELD: Final = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\nvalue\r\n'
FILE: Final = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
ADMIN: Final = bearer(token(7, role="admin"))["Authorization"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {
        "TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_IDLE_TIMEOUT": "1s", "TUSD_LOG_LEVEL": "info",
        "TUSD_CONNECTIONS__IDLE_TIMEOUT": "2s",
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("silent") / "data"
    with running_server(folder, "--workers", "0", env=env) as running:
        yield running
    assert "Traceback" not in "\n".join(running.lines)


@dataclass(frozen=True)
class Sender:
    """A request whose body stops after ``sent``, or goes on slowly from there."""

    method: str
    path: str
    headers: dict[str, str]
    sent: bytes = b""
    drip: bytes = b" "

    def begin(self, connection: Connection, *, chunked: bool) -> None:
        framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": "100000"}
        fields = {**self.headers, **framing, "Authorization": ADMIN}
        connection.send(connection.request(self.method, self.path, **fields))
        if self.sent:
            connection.send(self.piece(self.sent, chunked=chunked))

    def piece(self, data: bytes, *, chunked: bool) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data) if chunked else data


CREATION = creation(100_000, has_body=True)
READ = {
    "form, nothing": Sender("POST", API, FORM, drip=b"\n"),
    "form, a part's head": Sender("POST", API, FORM, FILE[:30]),
    "form, a field": Sender("POST", API, FORM, FIELD[:-4]),
    "form, between parts": Sender("POST", API, FORM, FIELD),
    "form, before the first byte of the file": Sender("POST", API, FORM, FIELD + FILE),
    "form, within the file": Sender("POST", API, FORM, FIELD + FILE + b"content"),
    "tickets, nothing": Sender("POST", f"{API}/tickets", JSON),
    "tickets, a few bytes": Sender("POST", f"{API}/tickets", JSON, b'{"task_id'),
    "retry": Sender("POST", "/api/admin/retry", JSON, b"{"),
    "creation, nothing": Sender("POST", "/files/", CREATION),
    "creation, a few bytes": Sender("POST", "/files/", CREATION, b"abc"),
}


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_body_that_stops_is_ended(server: Server, *, drips: bool) -> None:
    """All of them are sent at once, for each takes a second."""
    cases = [(name, chunked) for name in READ for chunked in (False, True)]
    with ThreadPoolExecutor(len(cases)) as pool:
        ends = list(pool.map(lambda case: _end_of(server, *case, drips=drips), cases))
    ended = (500, "body_timeout", "close")
    assert dict(zip(cases, ends, strict=True)) == dict.fromkeys(cases, ended)


def _end_of(server: Server, name: str, chunked: bool, *, drips: bool) -> tuple[int, str, str]:
    """Return status, code and what becomes of the connection."""
    sender, over = READ[name], threading.Event()
    with connected(server.url) as connection:
        sender.begin(connection, chunked=chunked)

        def drip() -> None:
            with suppress(OSError):
                while not over.wait(0.1):
                    connection.send(sender.piece(sender.drip, chunked=chunked))

        dripping = threading.Thread(target=drip)
        if drips:
            dripping.start()
        try:
            answer = connection.answer()
        finally:
            over.set()
            if drips:
                dripping.join()
        with suppress(ConnectionError):  # A byte that was being sent resets the connection.
            assert connection.at_end()
    return answer.status, json.loads(answer.body)["code"], answer.headers["connection"]


UNREAD = (
    ("GET", "/healthz", 200), ("GET", "/nothing", 404), ("POST", "/healthz", 405),
    ("OPTIONS", "/files/", 204), ("HEAD", "/files/" + "0" * 32, 404), ("PUT", "/files/x", 405),
    ("DELETE", "/files/" + "0" * 32, 404), ("GET", f"{API}/tasks", 200),
)  # fmt: skip


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_a_body_that_nothing_reads_holds_no_connection(server: Server, *, drips: bool) -> None:
    """The answer comes at once; the rest is waited for only as long as for a next request."""

    def end(method: str, path: str) -> int:
        over = threading.Event()
        with connected(server.url) as connection:
            head = {"Content-Length": "1000", "Authorization": ADMIN}
            connection.send(connection.request(method, path, **head))
            answer = connection.answer(to_head=method == "HEAD")

            def drip() -> None:
                with suppress(OSError):
                    while not over.wait(0.1):
                        connection.send(b" ")

            dripping = threading.Thread(target=drip if drips else over.set)
            dripping.start()
            try:
                with suppress(ConnectionError):  # A byte that was being sent resets the connection.
                    assert connection.at_end()
            finally:
                over.set()
                dripping.join()
            return answer.status

    with ThreadPoolExecutor(len(UNREAD)) as pool:
        found = list(pool.map(lambda case: end(*case[:2]), UNREAD))
    assert found == [status for _, _, status in UNREAD]


def test_a_stream_whose_request_has_a_body_that_never_comes_ends(server: Server) -> None:
    with connected(server.url) as connection:
        head = connection.request(
            "GET", f"{API}/events", Authorization=ADMIN, Content_Length="1000"
        )
        connection.send(head)
        assert connection.answer().status == 200
        with suppress(ConnectionError):
            while connection.socket.recv(65536):
                pass
