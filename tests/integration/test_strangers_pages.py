"""Without authentication: a page of another site and a rebound name are refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from support.raw_http import connected
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import TUS, chunk, creation, upload

API: Final = "/api/file/upload"
EVIL: Final = "https://evil.example"
LISTED: Final = "https://page.example"
FORM: Final = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc\r\n--x--\r\n'
)
UPGRADE: Final = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


class Caller:
    """Sends every kind of request, each time with other fields in the head."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.task = upload(server, b"private", filename="private.txt")
        self.file = f"/files/{self.task}"
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.requests: dict[str, tuple[str, str, dict[str, str], bytes]] = {
            "home": ("GET", "/", {}, b""),
            "part of a page": ("GET", "/page/page.js", {}, b""),
            "docs": ("GET", "/api/docs", {}, b""),
            "description": ("GET", "/api/openapi.json", {}, b""),
            "admin": ("GET", "/admin", {}, b""),
            "overview": ("GET", "/api/admin/overview", {}, b""),
            "retry": ("POST", "/api/admin/retry", {"Content-Type": "application/json"}, b"{}"),
            "list": ("GET", f"{API}/tasks", {}, b""),
            "progress": ("GET", f"{API}/progress/{self.task}", {}, b""),
            "events": ("GET", f"{API}/events", {}, b""),
            "events of one": ("GET", f"{API}/events/{self.task}", {}, b""),
            "websocket": ("GET", f"{API}/ws/{self.task}", UPGRADE, b""),
            "ticket": ("POST", f"{API}/tickets", {"Content-Type": "text/plain"}, b"{}"),
            "form": ("POST", API, {"Content-Type": "multipart/form-data; boundary=x"}, FORM),
            "options": ("OPTIONS", "/files/", {}, b""),
            "create": ("POST", "/files/", creation(0), b""),
            "head": ("HEAD", self.file, TUS, b""),
            "patch": ("PATCH", self.file, chunk(7), b"x"),
            "overridden": ("POST", self.file, {**TUS, "X-HTTP-Method-Override": "DELETE"}, b""),
            "delete": ("DELETE", self.file, TUS, b""),
            "read": ("GET", self.file, {}, b""),
            "nothing": ("GET", "/nothing", {}, b""),
        }

    def status(self, what: str, headers: dict[str, str]) -> tuple[int, str]:
        """Return status and code of the answer; of a stream only the head is read."""
        method, path, own, body = self.requests[what]
        with self.http.stream(method, path, headers={**own, **headers}, content=body) as answer:
            if answer.status_code < 400 or method == "HEAD":
                return answer.status_code, ""
            return answer.status_code, httpx.Response(200, content=answer.read()).json()["code"]

    def all_refused(self, headers: dict[str, str], status: int, code: str) -> None:
        """Check that every request is refused and nothing has changed."""
        before = self.tasks()
        wrong = {}
        for what in self.requests:
            found = self.status(what, headers)
            if found != (status, "" if what == "head" else code):
                wrong[what] = found
        assert wrong == {}, headers
        assert self.tasks() == before

    def tasks(self) -> object:
        listed = self.http.get(f"{API}/tasks").json()
        assert self.task in str(listed)
        return listed


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    env = {"TUSD_CORS__ALLOW_ORIGINS": LISTED, "TUSD_ALLOWED_HOSTS": "uploads.example"}
    folder = tmp_path_factory.mktemp("anonymous")
    with running_server(folder, "--workers", "0", env=env) as server:
        caller = Caller(server)
        with caller.http:
            yield caller


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:8888"},
        {"Host": "203.0.113.9"},
        {"Host": "user@localhost"},
        {"Host": ""},
        {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Host": "evil.example", "X-Forwarded-Host": "localhost"},
        {"Host": "evil.example", "Forwarded": "host=localhost"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Host": "localhost, evil.example"},
        {"Forwarded": "for=127.0.0.1, for=10.0.0.1;host=evil.example"},
    ],
    ids=str,
)
def test_a_name_that_is_not_the_servers_is_refused_everywhere(
    caller: Caller, headers: dict[str, str]
) -> None:
    caller.all_refused(headers, 421, "host_not_allowed")


def test_its_own_names_are_answered(caller: Caller) -> None:
    for host in (f"localhost:{caller.server.port}", "[::1]", "a.localhost", "UPLOADS.example.:443"):
        assert caller.status("list", {"Host": host}) == (200, "")
    # A health check may use any name, or none.
    assert httpx.get(f"{caller.server.url}/healthz", headers={"Host": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET {list} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 421),
        ("GET {list} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 421),
        ("GET {list} HTTP/1.1\r\n\r\n", 421),
        ("GET {list} HTTP/1.0\r\n\r\n", 421),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("GET {list} HTTP/1.1\r\nHost:\r\n\r\n", 421),
        ("GET {list} HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        # A target in absolute form names the host, and Host is ignored.
        ("GET http://evil.example{list} HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        ("GET http://localhost@evil.example{list} HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        ("GET http://localhost{list} HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200),
    ],
)
def test_a_host_that_is_missing_or_repeated_is_no_loopback_name(
    caller: Caller, head: str, status: int
) -> None:
    with connected(caller.server.url) as connection:
        connection.send(head.format(list=f"{API}/tasks").encode())
        # The parser of heads may refuse it first, with 400.
        assert connection.answer().status in ({status} if status == 200 else {400, status})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": f"{LISTED}/"},
        {"Origin": f"{LISTED}.evil.example"},
        {"Origin": "http://page.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
        {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"},
        {"Origin": EVIL, "Host": "uploads.example", "X-Forwarded-Proto": "https"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
    ids=str,
)
def test_a_page_of_another_site_is_refused_everywhere(
    caller: Caller, headers: dict[str, str]
) -> None:
    caller.all_refused(headers, 403, "origin_not_allowed")


def test_a_refused_page_may_not_even_read_the_refusal(caller: Caller) -> None:
    preflight = {"Origin": EVIL, "Access-Control-Request-Method": "DELETE"}
    for path in ("/files/", f"{API}/tasks", "/api/admin/retry"):
        answer = caller.http.options(path, headers=preflight)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_its_own_pages_and_listed_ones_may_use_it(caller: Caller) -> None:
    url, port = caller.server.url, caller.server.port
    for headers in (
        {"Origin": url},
        {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}"},
        {"Origin": f"http://[::1]:{port}", "Host": f"[::1]:{port}"},
        # TLS ended at a proxy that passes Host on.
        {"Origin": "https://uploads.example", "Host": "uploads.example"},
        {"Origin": LISTED, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {},
    ):
        assert caller.status("list", headers) == (200, ""), headers
        assert caller.status("websocket", headers)[0] == 101, headers
    answer = caller.http.get(f"{API}/tasks", headers={"Origin": LISTED})
    assert answer.headers["Access-Control-Allow-Origin"] == LISTED
    assert "Origin" in answer.headers["Vary"]


def test_a_link_of_another_site_opens_pages_and_files_and_nothing_else(caller: Caller) -> None:
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    opened = {what for what in caller.requests if caller.status(what, link)[0] == 200}
    assert opened == {"home", "docs", "description", "read", "head"}
    # The operator's page is reached, and needs more than that.
    assert caller.status("admin", link)[1] != "origin_not_allowed"


def test_behind_a_trusted_proxy_its_words_decide_what_the_servers_own_origin_is(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    env = {"TUSD_ALLOWED_HOSTS": "up.example,inner.example"}
    flags = ("--workers", "0", "--behind-proxy")
    with running_server(tmp_path_factory.mktemp("proxied"), *flags, env=env) as server:
        caller = Caller(server)
        with caller.http:
            forwarded = {"X-Forwarded-Host": "up.example", "X-Forwarded-Proto": "https"}
            own = {**forwarded, "Origin": "https://up.example"}
            assert caller.status("list", own) == (200, "")
            assert caller.status("list", {**own, "Host": "inner.example"}) == (200, "")
            assert caller.status("list", forwarded) == (200, "")
            for refused in (
                {"Origin": "http://up.example"},
                {"Origin": server.url},
                {"Origin": EVIL},
            ):
                caller.all_refused({**forwarded, **refused}, 403, "origin_not_allowed")
            caller.all_refused({**forwarded, "Host": "evil.example"}, 421, "host_not_allowed")
            caller.all_refused(
                {**forwarded, "X-Forwarded-Host": "up.example, evil.example"},
                421,
                "host_not_allowed",
            )


def test_where_tokens_are_needed_they_protect_from_pages(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path_factory.mktemp("tokens"), "--workers", "0", env=env) as server:
        mine = bearer(token(7))
        page = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Host": "any.example"}
        answer = httpx.get(f"{server.url}{API}/tasks", headers={**page, **mine})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.status_code == 200
        assert httpx.get(f"{server.url}{API}/tasks", headers=page).status_code == 401


@pytest.mark.parametrize(
    "env",
    [
        {"TUSD_CORS__ALLOW_ORIGINS": "*"},
        {"TUSD_CORS__ALLOW_ORIGINS": "*", "TUSD_ALLOW_ANONYMOUS": "true", "TUSD_HOST": "0.0.0.0"},
        {"TUSD_CORS__ALLOW_CREDENTIALS": "true"},
        {"TUSD_CORS__ALLOW_CREDENTIALS": "true", "TUSD_AUTH__ACCESS_SECRET": SECRET},
    ],
    ids=str,
)
def test_what_would_let_every_page_in_is_refused_at_start(
    tmp_path: Path, env: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tusd_py", "serve", "--port", "0", "--data-dir", str(tmp_path)],
        env={**os.environ, "TUSD_LOG_LEVEL": "warning", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "allow_" in done.stderr
