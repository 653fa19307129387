"""The doctor before real deployments: a sound one has no finding, each fault has its own."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from support.files import files_in
from support.nginx import PROXY, Nginx
from support.server import Server, running_server

from tusd_py.clock import Clock, SystemClock
from tusd_py.doctor.deployment.events import check_events
from tusd_py.doctor.deployment.examine import examine
from tusd_py.doctor.deployment.probe_client import DEFAULT_ORIGIN, ProbeClient, Unreachable
from tusd_py.doctor.findings import Finding, Level

APART = {"TUSD_MONITORING_LISTEN": "127.0.0.1:0"}
"""The address for figures and readiness, apart from that of the uploads."""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("deployment")
    flags = ("--behind-proxy", "--max-size", "2GiB", "--workers", "1")
    env = {"TUSD_CORS__ALLOW_ORIGINS": DEFAULT_ORIGIN, "TUSD_ALLOWED_HOSTS": "backend", **APART}
    with running_server(folder / "data", *flags, env=env) as running:
        yield running


@contextmanager
def proxied(backend: Server, block: str = PROXY) -> Iterator[Nginx]:
    nginx = Nginx(backend.port, block)
    try:
        nginx.start()
        yield nginx
    finally:
        nginx.close()


def found(
    monkeypatch: pytest.MonkeyPatch, nginx: Nginx, path: str = "/files/", **more: object
) -> list[Finding]:
    """Return the doctor's findings, without its longest pauses."""
    monkeypatch.setenv("SSL_CERT_FILE", str(nginx.certificate))
    options: dict[str, object] = {
        "clock": SystemClock(),
        "silent_seconds": 0.0,
        "interim_seconds": 0.0,
        **more,
    }
    return list(examine(f"{nginx.url}{path}", **options))  # type: ignore[arg-type]


def bad(findings: list[Finding]) -> dict[str, Level]:
    """Return the checks with a warning or a problem; each has a remedy."""
    seen = {one.check: one for one in findings if one.level in (Level.WARNING, Level.PROBLEM)}
    assert all(one.remedy for one in seen.values())
    return {check: one.level for check, one in seen.items()}


def uploads(backend: Server) -> list[Path]:
    return files_in(backend.data_dir / "uploads")


def test_a_sound_deployment_has_no_problem_and_keeps_nothing(backend: Server) -> None:
    before = uploads(backend)
    with proxied(backend) as nginx:
        done = subprocess.run(
            [".venv/bin/tusd-py", "doctor", "--url", f"{nginx.url}/files/"],
            env={**os.environ, "SSL_CERT_FILE": str(nginx.certificate)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "0 problems, 0 warnings, 1 note, 19 ok"
    assert "HTTPS with HTTP/2" in done.stdout
    assert "in the versions 3, 4, 5, 6, 7, 8, 9, 10." in done.stdout
    assert "No 104 arrives" in done.stdout
    assert uploads(backend) == before


SEEDED = {
    "request buffering": ("proxy_request_buffering off", "proxy_request_buffering on",
                          "request-buffering", Level.PROBLEM),
    "1 MiB bodies": ("client_max_body_size 0", "client_max_body_size 1m",
                     "body-size", Level.PROBLEM),
    "scheme not passed on": ("proxy_set_header X-Forwarded-Proto $scheme;", "",
                        "location", Level.PROBLEM),
    "host not passed on": ("proxy_set_header Host $http_host;", "proxy_set_header Host backend;",
                      "location", Level.PROBLEM),
    "path changed": ("location / {\n    proxy_pass http://backend;",
                     "location /up/ {\n    proxy_pass http://backend/;", "location", Level.PROBLEM),
    "headers not exposed": ("location / {",
                            "proxy_hide_header Access-Control-Expose-Headers;\nlocation / {",
                            "cors", Level.PROBLEM),
    "origin allowed twice": ("location / {",
                             "add_header Access-Control-Allow-Origin * always;\nlocation / {",
                             "cors", Level.PROBLEM),
    "events buffered": ("proxy_buffering off;",
                        "proxy_buffering on;\nproxy_ignore_headers X-Accel-Buffering;",
                        "event-buffering", Level.PROBLEM),
    "events compressed": ("location / {",
                          "gzip on;\ngzip_proxied any;\ngzip_min_length 1;\n"
                          "gzip_types text/event-stream;\nlocation / {",
                          "event-buffering", Level.WARNING),
    "WebSockets not passed on": ("proxy_set_header Upgrade $http_upgrade;", "", "websocket",
                                 Level.WARNING),
    "range taken out": ("location / {", 'proxy_set_header Range "";\nlocation / {',
                        "range", Level.PROBLEM),
    "DELETE refused": ("location / {",
                       "location / {\n    limit_except GET POST PATCH OPTIONS { deny all; }",
                       "methods", Level.PROBLEM),
    "PATCH refused": ("location / {",
                      "location / {\n    limit_except GET POST DELETE OPTIONS { deny all; }",
                      "methods", Level.PROBLEM),
    "offset taken out": ("location / {", "proxy_hide_header Upload-Offset;\nlocation / {",
                         "headers", Level.PROBLEM),
    "expired at once": ("location / {",
                        "proxy_hide_header Upload-Expires;\nadd_header Upload-Expires "
                        '"Thu, 01 Jan 2026 00:00:00 GMT" always;\nlocation / {',
                        "expires", Level.PROBLEM),
}  # fmt: skip
"""What is replaced in a sound server block, by what, and the one check that must find it."""


@pytest.mark.parametrize("seeded", SEEDED)
def test_a_proxys_fault_is_found_and_nothing_else(
    backend: Server, monkeypatch: pytest.MonkeyPatch, seeded: str
) -> None:
    sound, faulty, check, level = SEEDED[seeded]
    assert sound in PROXY
    path = "/up/files/" if seeded == "path changed" else "/files/"
    with proxied(backend, PROXY.replace(sound, faulty)) as nginx:
        findings = found(monkeypatch, nginx, path)
    expected = {check: level}
    if seeded == "host not passed on":
        # A proxy that hides the browser's Host hides a rebound one too.
        expected["host-names"] = Level.PROBLEM
    assert bad(findings) == expected, "\n".join(map(str, findings))


def test_a_path_that_a_proxy_takes_away_and_names_is_no_fault(
    backend: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, faulty, _, _ = SEEDED["path changed"]
    named = f"proxy_set_header X-Forwarded-Prefix /up;\n{PROXY.replace(sound, faulty)}"
    with proxied(backend, named) as nginx:
        assert bad(found(monkeypatch, nginx, "/up/files/")) == {}


def test_a_104_passes_where_there_is_no_proxy(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "1", env=APART) as server:
        clock = SystemClock()
        findings = list(examine(server.files, clock=clock, silent_seconds=0, interim_seconds=30))
        assert uploads(server) == []
    assert bad(findings) == {}
    (passes,) = [one for one in findings if one.check == "interim-responses"]
    assert passes.level is Level.OK, passes


def test_a_proxy_that_takes_a_104_for_the_answer_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {
        "TUSD_CORS__ALLOW_ORIGINS": DEFAULT_ORIGIN,
        "TUSD_INTERIM_RESPONSES": "always",
        **APART,
    }
    flags = ("--behind-proxy", "--workers", "1")
    with (
        running_server(tmp_path / "data", *flags, env=env) as server,
        proxied(server) as nginx,
    ):
        findings = found(monkeypatch, nginx, interim_seconds=30.0)
    assert bad(findings) == {"interim-responses": Level.PROBLEM}


def test_an_impatient_proxy_is_found(backend: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = PROXY.replace("client_body_timeout 300s", "client_body_timeout 1s")
    with proxied(backend, impatient) as nginx:
        findings = found(monkeypatch, nginx, silent_seconds=4.0)
    assert bad(findings) == {"silence": Level.WARNING}


class _Shifted:
    """The machine's clock, an hour late."""

    def now(self) -> float:
        return SystemClock().now() - 3600

    def monotonic(self) -> float:
        return SystemClock().monotonic()


def test_clocks_that_do_not_agree_are_found(
    backend: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: Clock = _Shifted()
    with proxied(backend) as nginx:
        findings = found(monkeypatch, nginx, clock=late)
    assert bad(findings) == {"clock": Level.PROBLEM}


def test_an_untrusted_certificate_is_found(
    backend: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(backend) as nginx, proxied(backend) as other:
        monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate))
        findings = list(examine(f"{nginx.url}/files/", clock=SystemClock()))
    assert bad(findings) == {"tls": Level.PROBLEM}


def test_an_address_that_is_no_tus_server_is_reported_once(
    backend: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(backend) as nginx:
        findings = found(monkeypatch, nginx, "/wrong/")
    assert [(one.check, one.level) for one in findings] == [("endpoint", Level.PROBLEM)]


def test_a_refused_origin_matters_when_it_was_given(tmp_path: Path) -> None:
    allowed = {"TUSD_CORS__ALLOW_ORIGINS": "https://page.example", **APART}
    with running_server(tmp_path / "data", "--workers", "1", env=allowed) as server:
        clock = SystemClock()
        without_origin = list(examine(server.files, clock=clock, silent_seconds=0))
        by_origin = list(
            examine(server.files, clock=clock, silent_seconds=0, origin="https://other.example")
        )
        right = list(
            examine(server.files, clock=clock, silent_seconds=0, origin="https://page.example")
        )
    assert [one.check for one in without_origin if one.level is Level.NOTE] == ["cors"]
    assert bad(by_origin) == {"cors": Level.PROBLEM}
    assert bad(right) == {}


def test_the_two_lines_of_every_tutorial_open_nothing_of_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default nginx sends Host: 127.0.0.1 and no trace of itself."""
    with running_server(tmp_path / "data", "--workers", "1") as server:
        two_lines = f"location / {{ proxy_pass http://127.0.0.1:{server.port}; }}"
        with proxied(server, two_lines) as nginx:
            for path in ("/admin", "/api/admin/overview"):
                answer = httpx.get(f"{nginx.plain_url}{path}")
                assert (answer.status_code, answer.json()["code"]) == (403, "operator_link_needed")
            retried = httpx.post(f"{nginx.plain_url}/api/admin/retry", json={"id": "x"})
            assert retried.json()["code"] == "operator_link_needed"
            page = {"Origin": "https://evil.example"}
            assert httpx.get(f"{nginx.plain_url}/", headers=page).status_code == 403
            # The operator signs in by the same way, by a link.
            with httpx.Client(base_url=nginx.plain_url, follow_redirects=True) as operator:
                link = server.operator_link.replace(server.url, nginx.plain_url)
                assert operator.get(link).status_code == 200
                assert operator.get("/api/admin/overview").status_code == 200
            findings = found(monkeypatch, nginx)
    problems = bad(findings)
    assert problems["open-paths"] is problems["host-names"] is Level.PROBLEM
    assert not {"operators-page", "other-sites"} & set(problems)


def test_an_untrusted_proxy_makes_addresses_without_a_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running_server(
            tmp_path / "data",
            "--workers",
            "1",
            env={"TUSD_CORS__ALLOW_ORIGINS": DEFAULT_ORIGIN, **APART},
        ) as server,
        proxied(server) as nginx,
    ):
        findings = found(monkeypatch, nginx)
    assert bad(findings) == {"location": Level.WARNING}


def test_a_server_that_refuses_uploads_is_found_at_once(
    backend: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    walled = PROXY.replace(
        "location / {", "location / {\n    limit_except GET OPTIONS { deny all; }"
    )
    with proxied(backend, walled) as nginx:
        findings = found(monkeypatch, nginx)
    assert bad(findings) == {"creation": Level.PROBLEM}
    assert findings[-1].check == "creation"


def test_a_server_that_takes_only_some_types_is_not_blamed(tmp_path: Path) -> None:
    only = {"TUSD_WHITELIST__EXTENSIONS": "mp4"}
    with running_server(tmp_path / "data", "--workers", "0", env=only) as server:
        findings = list(examine(server.files, clock=SystemClock()))
    assert bad(findings) == {}
    assert (findings[-1].check, findings[-1].level) == ("creation", Level.NOTE)


def test_an_address_without_a_server_gives_code_3(backend: Server) -> None:
    with proxied(backend) as nginx:
        url = nginx.url
    with pytest.raises(Unreachable):
        list(examine(f"{url}/files/", clock=SystemClock()))
    done = subprocess.run(
        [".venv/bin/tusd-py", "doctor", "--url", f"{url}/files/"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "can't be reached" in done.stderr


@contextmanager
def peer(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a foreign server on loopback and yield the address of its tus endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/files/"
        finally:
            server.shutdown()
            thread.join()


def test_events_that_stop_after_the_first_are_held_back() -> None:
    over = threading.Event()

    class Holding(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(201, Location="/files/1")

        def do_PATCH(self) -> None:
            self._answer(204)

        def do_GET(self) -> None:
            self._answer(200)
            self.wfile.write(b"data: {}\r\n\r\n")
            over.wait(60)

        def _answer(self, status: int, **headers: str) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with peer(Holding) as url:
        probe = ProbeClient(url, origin=None, token=None, clock=SystemClock())
        findings = check_events(probe)
        over.set()
        probe.close()
    assert bad(findings) == {"event-buffering": Level.PROBLEM}


def test_the_token_is_sent_and_not_shown() -> None:
    credentials: list[str | None] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            credentials.append(self.headers["Authorization"])
            self.send_response(401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with peer(Refusing) as url:
        findings = list(examine(url, clock=SystemClock(), token="s3cret"))
    assert credentials == ["Bearer s3cret"]
    assert bad(findings) == {"endpoint": Level.PROBLEM}
    assert "s3cret" not in repr(findings)
