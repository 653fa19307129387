"""The shipped nginx file before a real server that demands identity: which requests it stops."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support.raw_http import silent_patch
from support.server import Server, running_server
from support.services import Service, free_port
from support.tokens import SECRET, bearer, token
from support.tus import TUS, create, creation, head, post
from topology import nginx
from topology.program import listens

MACHINES = ("/healthz", "/readyz", "/metrics")
FEW = 4


class ShippedNginx(Service):
    """Runs the file as ``deploy/local`` does, with a limit of connections that a test can reach."""

    def __init__(self, server_port: int) -> None:
        super().__init__("nginx")
        self.tls_port = free_port()
        nginx.make_certificate(self.directory)
        self._program = nginx.program(self.directory, self.port, self.tls_port, [server_port])
        files = dict(self._program.files)
        shipped = "limit_conn tusd_connections 256;"
        assert shipped in files["site.conf"]
        files["site.conf"] = files["site.conf"].replace(
            shipped, f"limit_conn tusd_connections {FEW};"
        )
        for name, text in files.items():
            (self.directory / name).write_text(text)
        self.url = f"http://127.0.0.1:{self.port}"
        self.files = f"{self.url}/files/"
        self.tls_url = f"https://127.0.0.1:{self.tls_port}"

    def command(self) -> tuple[str, ...]:
        return self._program.command

    def ready(self) -> bool:
        return listens(self.port) and listens(self.tls_port)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("shipped")
    env = {"TUSD_AUTH__REQUIRED": "true", "TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(folder / "data", "--workers", "0", "--behind-proxy", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[ShippedNginx]:
    found = ShippedNginx(server.port)
    try:
        found.start()
        yield found
    finally:
        found.close()


@pytest.mark.parametrize(
    "path",
    [
        "/api/file/upload/tasks",
        "/api/file/upload/events",
        "/api/admin/overview",
        f"/files/{'0' * 32}",
        f"/api/file/upload/progress/{'0' * 32}",
    ],
)
def test_a_request_without_identity_is_answered_with_401(site: ShippedNginx, path: str) -> None:
    for url in (site.url, site.tls_url):
        for host in (
            {},
            {"Host": "127.0.0.1"},
            {"X-Forwarded-For": "127.0.0.1", "Host": "localhost"},
        ):
            answer = httpx.get(f"{url}{path}", headers={**TUS, **host}, verify=False)
            assert answer.status_code == 401, (url, host)


@pytest.mark.parametrize(
    "path",
    [
        *MACHINES,
        *(f"{path}?x=1" for path in MACHINES),
        "/%6detrics",
        "//metrics",
        "/page/../metrics",
        "/page/..%2fmetrics",
        "/./readyz",
        "/metrics/",
        "/metrics;x",
        "/METRICS",
    ],
)
def test_what_is_for_machines_is_not_passed_on(site: ShippedNginx, path: str) -> None:
    with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"tusd_" not in answer
    assert answer.split(b" ")[1] in {b"404", b"401", b"400", b"307"}, answer


def test_a_link_for_receivers_is_passed_on(site: ShippedNginx) -> None:
    for url in (site.url, site.tls_url):
        answer = httpx.get(f"{url}/s/{'A' * 40}", verify=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "share_not_found")


def test_connections_of_one_address_have_a_bound_and_the_refusal_has_retry_after(
    site: ShippedNginx,
) -> None:
    user = bearer(token(7))
    with ExitStack() as stack:
        for _ in range(FEW):
            path = httpx.URL(create(site, 9, headers=user)).path
            patching = silent_patch(site.url + path, 0, 9, Expect="100-continue", **user)
            # nginx counts the request once it has its whole head, which this answer shows.
            assert stack.enter_context(patching).answer().status == 100
        waiting = head(f"{site.files}{'0' * 32}", **user)
        # Clients begin from zero after any other status.
        assert (waiting.status_code, waiting.headers["Retry-After"]) == (423, "1")
        refused = post(site, 9, headers=user)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert refused.json()["code"] == "backend_unavailable"
    with httpx.Client(headers=user) as http:
        while (answer := http.get(f"{site.url}/api/file/upload/tasks")).status_code == 503:
            assert answer.headers["Retry-After"] == "1"
    assert answer.status_code == 200


def test_a_head_without_end_is_refused(site: ShippedNginx) -> None:
    with socket.create_connection(("127.0.0.1", site.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        try:
            for _ in range(8):
                connection.sendall(b"x" * 65536)
        except OSError:
            return
        answer = connection.recv(4096)
        assert answer == b"" or answer.split(b" ")[1] == b"400"


def test_only_websocket_is_changed_to_and_only_where_it_is_spoken(
    site: ShippedNginx, server: Server
) -> None:
    for path, protocol in (
        ("/files/", "h2c"),
        ("/files/", "websocket"),
        ("/api/file/upload", "websocket"),
    ):
        headers = {
            **creation(0),
            **bearer(token(7)),
            "Connection": "Upgrade",
            "Upgrade": protocol,
        }
        answer = httpx.post(site.url + path, headers=headers)
        # The answer is the same as without the field (RFC 9110, 7.8).
        assert answer.status_code in ({201} if path == "/files/" else {400, 415})


def test_requests_without_tls_are_redirected_to_it_as_shipped(tmp_path: Path) -> None:
    port, tls_port = free_port(), free_port()
    nginx.make_certificate(tmp_path)
    program = nginx.program(tmp_path, port, tls_port, [free_port()])
    (tmp_path / "nginx.conf").write_text(program.files["nginx.conf"])
    shipped = nginx.SITE.read_text("utf-8")
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{tls_port} ssl"),
        ("/etc/ssl/certs/uploads.example.org.pem", str(tmp_path / "certificate.pem")),
        ("/etc/ssl/private/uploads.example.org.key", str(tmp_path / "key.pem")),
        ("127.0.0.1:8888", f"127.0.0.1:{free_port()}"),
    ):
        assert old in shipped
        shipped = shipped.replace(old, new)
    (tmp_path / "site.conf").write_text(shipped)
    process = subprocess.Popen(program.command, cwd=tmp_path)
    try:
        while not (listens(port) and listens(tls_port)):
            assert process.poll() is None
        headers = {"Host": "uploads.example.org", **bearer(token(7))}
        led = httpx.post(f"http://127.0.0.1:{port}/files/?a=b", headers=headers)
        assert led.status_code == 308
        assert led.headers["Location"] == "https://uploads.example.org/files/?a=b"
        away = httpx.get(f"https://127.0.0.1:{tls_port}/", headers=headers, verify=False)
        assert away.status_code == 503
        assert "max-age=" in away.headers["Strict-Transport-Security"]
    finally:
        process.terminate()
        process.wait(30)
