"""The events, answers, findings and files that the documents show, against what really is there."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.own_files import ROOT
from support.proxies import Nginx
from support.receiver import Receiver
from support.required import needs_programs
from support.server import Server, running_server
from support.snippets import run_python, snippet
from support.tokens import SECRET, bearer, token
from support.tus import upload
from support.waiting import wait_until

from tusd_py.cli import doctor
from tusd_py.doctor.findings import Finding, Level

HOOK_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SOURCE_OF_THE_DOCTOR = "".join(
    path.read_text("utf-8") for path in (ROOT / "tusd_py" / "doctor").rglob("*.py")
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without authentication, for all tests of this file."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder / "data", "--workers", "1") as running:
        yield running


def fields_of(event: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in event.strip().splitlines())


def test_an_event_has_the_fields_of_the_page_about_the_api(server: Server) -> None:
    shown = fields_of(snippet("docs/api.md", "id: 5f0c2a91.7").text)
    task = upload(server, b"some text", "a.txt")
    stream = f"{server.url}/api/file/upload/events/{task}"
    sent = fields_of(httpx.get(stream).text.replace("\r", "").split("\n\n")[0])
    assert set(shown) <= set(sent)
    assert shown["retry"] == sent["retry"]
    for event in (shown, sent):
        data = json.loads(event["data"])
        assert event["id"] == f"{data['epoch']}.{data['seq']}"
    assert set(json.loads(shown["data"])) <= set(json.loads(sent["data"]))


def test_a_link_is_made_as_the_page_about_media_has_it(server: Server) -> None:
    block = snippet("docs/media.md", "POST /api/file/upload/links/")
    request, answer = block.text.splitlines()
    method, path, body = request.split(maxsplit=2)
    task = upload(server, b"some text", "a.txt")
    server.wait_for_status(task, "completed")
    made = httpx.request(
        method, server.url + path.replace("{task_id}", task), json=json.loads(body)
    )
    shown = json.loads(answer.removeprefix("→ "))
    assert set(made.json()) == set(shown)
    assert made.json()["rendition"] == shown["rendition"]
    assert made.json()["url"].startswith(shown["url"].removesuffix("eyJ..."))
    assert httpx.get(server.url + made.json()["url"]).content == b"some text"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def test_a_hook_is_verified_and_read_as_the_page_about_hooks_has_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    env = {"TUSD_HOOKS__URL": receiver.url, "TUSD_HOOKS__SECRET": HOOK_SECRET}
    with running_server(tmp_path / "data", env=env) as server:
        upload(server, b"some text", "a.txt")
        wait_until(lambda: "post-complete" in receiver.events())
    got = next(each for each in receiver.received if each.event == "post-complete")
    block = snippet("docs/hooks.md", "from standardwebhooks import Webhook")
    known = type(block)(block.page, block.language, block.text.replace("whsec_…", HOOK_SECRET))
    event: dict[str, Any] = run_python(
        known, request_body=got.body, request_headers=got.headers
    )["event"]  # fmt: skip
    shown = json.loads(snippet("docs/hooks.md", '{"type": "post-complete"').text)
    assert set(event) == set(shown)
    assert set(event["data"]) == set(shown["data"]) | {"facts", "renditions"}
    for name, value in shown["data"].items():
        assert type(event["data"][name]) is type(value), name


def test_the_doctor_prints_as_its_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    text = snippet("docs/doctor.md", "ok       disk.space").text
    *lines, summary = text.splitlines()
    findings: list[Finding] = []
    for line in lines:
        if remedy := re.fullmatch(r" +remedy: (.+)", line):
            last = findings.pop()
            findings.append(Finding(last.check, last.level, last.sentence, remedy[1]))
        else:
            level, check, sentence = line.split(maxsplit=2)
            findings.append(Finding(check, Level(level), sentence))
    for finding in findings:
        assert f'"{finding.check}"' in SOURCE_OF_THE_DOCTOR
        doctor._say_text(finding)
    assert capsys.readouterr().out == "\n".join([*lines, ""])
    levels = doctor.Counter(finding.level for finding in findings)
    assert doctor._summary(levels) == summary


class WithOauth2Proxy(Nginx):
    """The shipped nginx file with the lines of the page about production in its server block."""

    def __init__(self, server_port: int, proxy_port: int) -> None:
        self._proxy_port = proxy_port
        super().__init__(server_port)

    def write_files(self) -> None:
        super().write_files()
        block = snippet("docs/production.md", "# In the server block of tusd-py.conf")
        own = block.text.replace("127.0.0.1:4180", f"127.0.0.1:{self._proxy_port}")
        file = self.directory / "site.conf"
        head, brace, rest = file.read_text().partition("server {\n")
        assert brace
        file.write_text(head + brace + own + rest)


class Oauth2Proxy(BaseHTTPRequestHandler):
    """What oauth2-proxy answers to nginx: 202 with the token of a browser that it knows, or 401."""

    def do_GET(self) -> None:
        known = "session=ada" in self.headers.get("Cookie", "")
        status = 200 if self.path == "/oauth2/sign_in" else 202 if known else 401
        self.send_response(status)
        if known:
            self.send_header("Authorization", bearer(token(7))["Authorization"])
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"sign in")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@needs_programs("nginx")
def test_a_login_of_oauth2_proxy_reaches_the_servers(tmp_path: Path) -> None:
    logins = ThreadingHTTPServer(("127.0.0.1", 0), Oauth2Proxy)
    thread = threading.Thread(target=logins.serve_forever)
    thread.start()
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    flags = ("--workers", "0", "--behind-proxy")
    with running_server(tmp_path / "data", *flags, env=env) as server:
        nginx = WithOauth2Proxy(server.port, logins.server_port)
        try:
            nginx.start()
            tasks = f"{nginx.url}/api/file/upload/tasks"
            stranger = httpx.get(tasks)
            assert stranger.text == "sign in"
            ada = {"Cookie": "session=ada"}
            assert httpx.get(tasks, headers=ada).json()["tasks"] == []
            task = upload(nginx, b"hello", "a.txt", headers=ada)
            mine = httpx.get(f"{server.url}/api/file/upload/tasks", headers=bearer(token(7)))
            assert [one["task_id"] for one in mine.json()["tasks"]] == [task]
        finally:
            nginx.close()
            logins.shutdown()
            thread.join()
            logins.server_close()


@pytest.mark.parametrize(
    "block",
    [
        snippet("docs/contributing.md", "connection   ingest/"),
        snippet("docs/contributing.md", "queue        jobs/queue/"),
    ],
    ids=["of a PATCH", "of a job"],
)
def test_the_files_of_a_path_exist(block: Any) -> None:
    named = re.findall(r"[\w/]+(?:\.py|/)(?=[\s,(]|$)", block.text)
    assert len(named) > 5
    for name in named:
        assert (ROOT / "tusd_py" / name).exists(), name
