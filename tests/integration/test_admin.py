"""The operator's page and its requests: who may send them, and what is shown."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.media import video
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import post, task_id, upload
from support.waiting import wait_until

from tusd_py.auth.operator_links import OperatorLinks, page_link
from tusd_py.clock import SystemClock

OVERVIEW, RETRY = "/api/admin/overview", "/api/admin/retry"
FAILS = {"TUSD_MEDIA__ON_FAILURE": "fail", "TUSD_MEDIA__MAX_PIXELS": "100"}
"""A limit under which no video can be compressed."""
OPERATOR = bearer(token(1, role="admin"))


def looked(operator: httpx.Client) -> dict[str, Any]:
    answer = operator.get(OVERVIEW)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_AUTH__ADMIN_ROLE": "admin"}
    with running_server(tmp_path_factory.mktemp("data"), env=env) as server:
        yield server


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthenticated"),
        (bearer(token(1)), 403, "role_missing"),
        (bearer(token(1, role=["staff", "administrator"])), 403, "role_missing"),
        (bearer(token(1, role="admin", seconds=-60)), 401, "token_expired"),
        (OPERATOR, 200, None),
        (bearer(token(1, role=["staff", "admin"])), 200, None),
    ],
)
def test_with_tokens_the_role_decides(
    guarded: Server, headers: dict[str, str], status: int, code: str | None
) -> None:
    seen = httpx.get(f"{guarded.url}{OVERVIEW}", headers=headers)
    answer = httpx.post(f"{guarded.url}{RETRY}", headers=headers, json={"id": "nothing"})
    assert (seen.status_code, seen.json().get("code")) == (status, code)
    assert answer.status_code == (409 if status == 200 else status)
    # The page itself contains no data: its requests need the token.
    assert httpx.get(f"{guarded.url}/admin").status_code == 200


def test_an_upload_token_is_no_way_in(guarded: Server) -> None:
    made = post(guarded, 5, headers=OPERATOR)
    headers = {"Upload-Token": made.headers["Upload-Token"]}
    seen = httpx.get(f"{guarded.url}{OVERVIEW}", headers=headers)
    assert (seen.status_code, seen.json()["code"]) == (403, "upload_token_only")


OPEN_PATHS = (("GET", "/admin"), ("HEAD", "/admin"), ("GET", OVERVIEW), ("POST", RETRY))


def refusals(server: Server, headers: dict[str, Any] | None = None, query: str = "") -> set[Any]:
    """Return statuses and codes of all requests of the operator."""
    found = set()
    for method, path in OPEN_PATHS:
        answer = httpx.request(
            method, f"{server.url}{path}{query}", headers=headers, json={"id": "x"}
        )
        found.add((answer.status_code, answer.json()["code"] if answer.content else LINK_NEEDED))
    return found


LINK_NEEDED = "operator_link_needed"
REFUSED = {(403, LINK_NEEDED)}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server without authentication."""
    env = {"TUSD_ALLOWED_HOSTS": "uploads.example", "TUSD_LOG_LEVEL": "debug"}
    folder = tmp_path_factory.mktemp("alone") / "data"
    with running_server(folder, "--workers", "0", "--behind-proxy", env=env) as server:
        yield server


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "localhost"},
        {"Sec-Fetch-Site": "none"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Authorization": f"Bearer {token(1, role='admin')}"},
        {"Cookie": "tusd_py_operator=1"},
    ],
    # The ids are not the tokens, which change each second: all processes must collect the same
    # tests.
    ids=lambda headers: ",".join(headers) or "none",
)
def test_without_authentication_being_at_the_machine_proves_nothing(
    alone: Server, headers: dict[str, str]
) -> None:
    assert refusals(alone, headers) == REFUSED


def test_a_link_is_used_once_and_leaves_a_cookie_that_scripts_and_sites_do_not_get(
    alone: Server,
) -> None:
    link = alone.operator_link
    assert link.startswith(f"{alone.url}/admin?key=")
    # A HEAD request, as link previews send it, does not use the link up.
    assert httpx.head(link).status_code == 403
    entered = httpx.get(link)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/admin")
    assert entered.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in entered.headers["Cache-Control"]
    cookie, *attributes = entered.headers["Set-Cookie"].split("; ")
    assert {each.lower() for each in attributes} == {
        "httponly", "samesite=strict", "path=/", "max-age=86400",
    }  # fmt: skip
    for method, path in OPEN_PATHS[:3]:
        answer = httpx.request(method, f"{alone.url}{path}", headers={"Cookie": cookie})
        assert answer.status_code == 200
    answer = httpx.post(f"{alone.url}{RETRY}", headers={"Cookie": cookie}, json={"id": "x"})
    assert answer.json()["code"] == "not_retryable"

    again = httpx.get(link)
    assert (again.status_code, again.json()["code"]) == (403, LINK_NEEDED)
    # A caller who is signed in already is redirected to the page.
    assert httpx.get(link, headers={"Cookie": cookie}).status_code == 303
    key = link.partition("key=")[2]
    assert sum(key in line for line in alone.lines) == 1
    assert not [path for path in alone.data_dir.rglob("*") if key in path.name]


def test_over_tls_the_cookie_is_for_tls_alone(alone: Server) -> None:
    key = OperatorLinks(alone.data_dir, SystemClock()).new_key()
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "uploads.example"}
    entered = httpx.get(page_link(alone.url, key), headers=forwarded)
    assert "; Secure" in entered.headers["Set-Cookie"]


def test_forged_keys_and_cookies_open_nothing(alone: Server) -> None:
    with alone.operator() as browser:
        ((name, value),) = browser.cookies.items()
    far = f"{0xFFFFFFFFFF:x}"
    for forged in (
        "",
        "x",
        f"{far}.{value.partition('.')[2]}",
        value[:-1],
        f"{value}0",
        "é",
        "1." * 20,
    ):
        assert refusals(alone, {"Cookie": f"{name}={forged}".encode()}) == REFUSED
    for key in ("", "x", "../secret", f"{far}.{'A' * 43}", "secret", "%00", "é"):
        assert refusals(alone, query=f"?key={key}") == REFUSED


def test_the_command_prints_another_link_for_every_server_of_the_directory(alone: Server) -> None:
    def printed(*flags: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tusd_py", "admin-link", *flags],
            env={**os.environ, **env}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    where = ("--data-dir", str(alone.data_dir))
    link = printed(*where, "--url", f"{alone.url}/").stdout.strip()
    assert link.startswith(f"{alone.url}/admin?key=")
    browsers = [httpx.Client(follow_redirects=True) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda browser: browser.get(link).status_code, browsers))
    for browser in browsers:
        browser.close()
    assert sorted(answers) == [200] + [403] * 7
    assert printed(*where, TUSD_PORT="1234").stdout.startswith("http://127.0.0.1:1234/admin?key=")
    refused = printed(*where, TUSD_AUTH__ACCESS_SECRET=SECRET)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--role admin" in refused.stderr
    assert printed("--data-dir", str(alone.data_dir / "none")).returncode == 2
    for path in (alone.data_dir / "operator").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((alone.data_dir / "operator").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", '{"id": "x"}'),
        ("application/x-www-form-urlencoded", "id=x"),
        ("application/json", "[]"),
        ("application/json", "{"),
        ("application/json", '{"id": 5}'),
        ("application/json", ""),
        ("application/json", '{"id": "' + "x" * 5000 + '"}'),
    ],
)
def test_a_retry_is_json_and_names_one_thing(guarded: Server, content_type: str, body: str) -> None:
    headers = {"Content-Type": content_type, **OPERATOR}
    answer = httpx.post(f"{guarded.url}{RETRY}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_no_page_of_another_origin_may_read_it(guarded: Server) -> None:
    headers = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    for method, path in (("GET", OVERVIEW), ("OPTIONS", RETRY), ("OPTIONS", OVERVIEW)):
        answer = httpx.request(method, f"{guarded.url}{path}", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def runs_of(seen: dict[str, Any], step: str) -> int:
    """Return how often a step was run, as far as workers have reported."""
    return sum(each["runs"] for each in seen.get("steps", []) if each["step"] == step)


def test_what_happens_is_seen(tmp_path: Path) -> None:
    env = {"TUSD_JOBS__RENEW_EVERY": "0.2", **FAILS}
    with (
        running_server(tmp_path / "data", "--workers", "2", env=env) as server,
        server.operator() as operator,
    ):
        good = task_id(upload(server, b"some text", filename="a.txt"))
        upload(server, b"some text", filename="again.txt")
        bad = task_id(upload(server, video(tmp_path / "clip.mp4")))
        wait_until(lambda: looked(operator)["ended"]["hour"]["failed"] == 1, timeout=60)
        wait_until(lambda: looked(operator)["ended"]["hour"]["completed"] == 2, timeout=60)
        # Workers report how long steps took with their next lease, a moment after the job's end.
        wait_until(lambda: runs_of(looked(operator), "inspect") >= 2, timeout=60)
        seen = looked(operator)
        assert seen["away"] == []
        assert seen["ended"]["day"]["success_ratio"] == pytest.approx(2 / 3)
        assert seen["jobs"] | {"queued": 0} == {
            "queued": 0, "running": 0, "failed": 1, "due": 0, "oldest_due_seconds": 0.0,
        }  # fmt: skip
        (worker,) = seen["workers"]
        assert (worker["slots"], worker["jobs"]) == (2, [])
        inspected = next(step for step in seen["steps"] if step["step"] == "inspect")
        assert inspected["mean_seconds"] > 0
        (failure,) = seen["failures"]
        assert (failure["task_id"], failure["filename"]) == (bad, "clip.mp4")
        assert failure["error"]
        assert seen["storage"]["files"] == 1
        assert seen["storage"]["object_bytes"] == 9

        answer = operator.post(RETRY, json={"id": bad})
        assert (answer.status_code, answer.json()) == (200, {"id": bad})
        wait_until(lambda: looked(operator)["jobs"]["failed"] == 1, timeout=60)
        refused = operator.post(RETRY, json={"id": good})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
