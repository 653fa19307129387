"""The server's own limits on connections, from outside.

It is behind a badly configured proxy, or has few descriptors.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from support.metrics import metrics
from support.nginx import Nginx
from support.process_set import children
from support.raw_http import Connection, connected
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import BODY, TUS, append, chunk, create, offset, task_id
from support.waiting import wait_until

TUTORIAL = """\
location / {
    proxy_pass http://backend;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $http_host;
}
"""
"""The lines that tutorials about WebSockets have."""


@contextmanager
def tutorial_nginx(server: Server) -> Iterator[Nginx]:
    nginx = Nginx(server.port, TUTORIAL)
    nginx.start()
    try:
        yield nginx
    finally:
        nginx.close()


@pytest.mark.parametrize("lends", ["true", "false"], ids=["lent", "asgi"])
def test_no_request_of_another_user_becomes_a_body(tmp_path: Path, lends: str) -> None:
    """The proxy uses its connections for one user after another.

    A body that is taken for requests would leave half a request, which the next user's bytes
    complete.
    """
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_LEND_BODIES": lends}
    thief, victim = bearer(token(8)), bearer(token(7))
    with (
        running_server(tmp_path / "data", "--workers", "0", env=env) as server,
        tutorial_nginx(server) as nginx,
    ):
        url = create(server, 300, headers=thief)
        half = (
            f"PATCH /files/{task_id(url)} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
            f"Authorization: {thief['Authorization']}\r\nUpload-Offset: 0\r\n"
            "Content-Type: application/offset+octet-stream\r\nContent-Length: 300\r\n\r\n"
        )
        smuggled = b"\r\n" * 300_000 + half.encode()
        for _ in range(3):
            with httpx.Client(base_url=nginx.plain_url, headers=TUS) as client:
                refused = client.post(
                    "/files/",
                    headers={**thief, "Upgrade": "h2c", "Upload-Length": "1"},
                    content=smuggled,
                )
                assert (refused.status_code, refused.json()["code"]) == (400, "upgrade_refused")
            with httpx.Client(base_url=nginx.plain_url, timeout=10) as client:
                tasks = client.get("/api/file/upload/tasks", headers=victim)
                assert tasks.status_code == 200
            assert b"Bearer" not in server.file_of(url).read_bytes()
        assert offset(url, **thief) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("connections") / "data", "--workers", "0") as it:
        yield it
    assert "Traceback" not in "\n".join(it.lines)


@pytest.mark.parametrize("through", ["straight", "nginx"])
def test_an_upload_by_a_client_that_requests_http2_is_refused_clearly(
    server: Server, tmp_path: Path, through: str
) -> None:
    url = create(server, 5)
    with ExitStack() as stack:
        if through == "nginx":
            nginx = stack.enter_context(tutorial_nginx(server))
            address = url.replace(server.url, nginx.plain_url)
        else:
            address = url
        fields = [f"{name}: {value}" for name, value in chunk(0).items()]
        answer = subprocess.run(
            ["curl", "-sS", "--http2", "--max-time", "20", "-X", "PATCH", "--data-binary", "hello",
             "-w", "\n%{http_code}", *(part for field in fields for part in ("-H", field)),
             address],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    body, _, status = answer.rpartition("\n")
    assert status == "400"
    assert '"upgrade_refused"' in body
    assert "--http1.1" in body
    assert offset(url) == 0


def test_a_websocket_comes_through_the_tutorials_proxy(server: Server) -> None:
    from websockets.sync.client import connect

    url = create(server, 5)
    with tutorial_nginx(server) as nginx:
        address = nginx.plain_url.replace("http", "ws")
        with connect(f"{address}/api/file/upload/ws/{task_id(url)}") as websocket:
            assert task_id(url) in str(websocket.recv(timeout=20))
        append(url.replace(server.url, nginx.plain_url), 0, b"hello")


def test_a_final_upload_of_two_hundred_parts_fits_into_a_head(server: Server) -> None:
    with connected(server.url) as connection:
        parts = []
        for _ in range(200):
            connection.send(
                connection.request(
                    "POST", server.files, Upload_Length=1, Upload_Concat="partial",
                    Content_Type=BODY["Content-Type"], Content_Length=1,
                ),
                b"x",
            )  # fmt: skip
            parts.append(connection.answer().headers["location"])
        names = " ".join(parts)
        connection.send(
            connection.request(
                "POST", server.files, Upload_Concat=f"final;{names}", Content_Length=0
            )
        )
        assert connection.answer().status == 201


def test_a_head_that_is_too_large_is_refused_in_the_form_of_all_refusals(server: Server) -> None:
    answer = httpx.post(server.files, headers={**TUS, "Upload-Concat": "final;" + "x" * 70_000})
    assert answer.status_code == 431
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.json()["code"] == "head_too_large"


def test_a_flood_of_connections_leaves_room_for_uploads_and_health(tmp_path: Path) -> None:
    """Few descriptors are free, and silent connections would take all of them."""
    program = (
        "/bin/sh", "-c", 'ulimit -S -n 200; ulimit -H -n 400; exec "$0" "$@"',
        *Server(tmp_path).program,
    )  # fmt: skip
    content = os.urandom(3 << 20)
    with (
        running_server(
            tmp_path / "data", "--workers", "0",
            program=program,
        ) as server,
        ExitStack() as stack,
    ):  # fmt: skip
        url = create(server, len(content))
        upload = stack.enter_context(connected(url))
        upload.send(upload.patch(url, 0, len(content)), content[:1_000_000])
        path = server.file_of(url)
        wait_until(lambda: path.stat().st_size >= 1_000_000)
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            for _ in range(350)
        ]
        with httpx.Client(timeout=20) as client:
            assert client.get(f"{server.url}/healthz").status_code == 200
        other = send_in_one(server, b"another user's")
        assert server.file_of(other).read_bytes() == b"another user's"
        upload.send(content[1_000_000:])
        assert upload.answer().status == 204
        assert server.file_of(url).read_bytes() == content
        # The newest connections still wait, the oldest were closed.
        assert _is_closed(silent[0])
        assert not _is_closed(silent[-1])
        assert _descriptors(server) < 300
    assert "Traceback" not in "\n".join(server.lines)


def send_in_one(server: Server, content: bytes) -> str:
    with connected(server.url) as connection:
        connection.send(
            connection.request(
                "POST", server.files, Upload_Length=len(content) + 1, **BODY_FIELDS,
                Content_Length=len(content),
            ),
            content,
        )  # fmt: skip
        return connection.answer().headers["location"]


BODY_FIELDS = {name.replace("-", "_"): value for name, value in BODY.items()}


def _descriptors(server: Server) -> int:
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in [server.pid, *children(server)])


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_a_client_that_closes_its_side_gets_its_answer(server: Server) -> None:
    url = create(server, 5)
    with connected(url) as connection:
        connection.send(connection.patch(url, 0, 5), b"hello")
        connection.socket.shutdown(socket.SHUT_WR)
        answer = connection.answer()
        assert (answer.status, answer.headers["upload-offset"]) == (204, "5")
        assert connection.at_end()
    with connected(url) as connection:
        connection.send(connection.request("GET", url))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer().body == b"hello"


def test_an_event_stream_whose_client_closes_its_side_ends(server: Server) -> None:
    def listeners() -> float:
        return metrics(server.url)["tusd_listeners,sse"]

    url = create(server, 5)
    before = listeners()
    connection = Connection(server.url)
    connection.send(
        connection.request("GET", f"{server.url}/api/file/upload/events/{task_id(url)}")
    )
    assert connection.answer().status == 200
    wait_until(lambda: listeners() != before)
    connection.socket.shutdown(socket.SHUT_WR)
    wait_until(lambda: listeners() == before)
    connection.socket.close()
