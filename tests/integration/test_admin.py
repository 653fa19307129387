"""The operator's page and what it asks: who may, and what is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.media import video
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import send, task_id
from support.waiting import wait_until

OVERVIEW, RETRY = "/api/admin/overview", "/api/admin/retry"
FAILS = {"TUSD_MEDIA__ON_FAILURE": "fail", "TUSD_MEDIA__MAX_PIXELS": "100"}
"""Under which no video can be compressed."""
OPERATOR = bearer(token(1, role="admin"))


def looked(server: Server, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}{OVERVIEW}", headers=headers)
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
    asked = httpx.post(f"{guarded.url}{RETRY}", headers=headers, json={"id": "nothing"})
    assert (seen.status_code, seen.json().get("code")) == (status, code)
    assert asked.status_code == (409 if status == 200 else status)
    # The page itself holds nothing: it is what asks for the token.
    assert httpx.get(f"{guarded.url}/admin").status_code == 200


def test_an_upload_token_is_no_way_in(guarded: Server) -> None:
    made = httpx.post(
        f"{guarded.url}/files/",
        headers={"Tus-Resumable": "1.0.0", "Upload-Length": "5", **OPERATOR},
    )
    headers = {"Upload-Token": made.headers["Upload-Token"]}
    seen = httpx.get(f"{guarded.url}{OVERVIEW}", headers=headers)
    assert (seen.status_code, seen.json()["code"]) == (403, "upload_token_only")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Host": "uploads.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_without_authentication_it_is_for_this_machine_only(
    server: Server, headers: dict[str, str]
) -> None:
    assert looked(server)["away"] == []
    for answer in (
        httpx.get(f"{server.url}{OVERVIEW}", headers=headers),
        httpx.get(f"{server.url}/admin", headers=headers),
        httpx.post(f"{server.url}{RETRY}", headers=headers, json={"id": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "loopback_only")


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
def test_a_retry_is_json_and_names_one_thing(server: Server, content_type: str, body: str) -> None:
    answer = httpx.post(
        f"{server.url}{RETRY}", content=body, headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_no_page_of_another_origin_may_read_it(server: Server) -> None:
    headers = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    for method, path in (("GET", OVERVIEW), ("OPTIONS", RETRY), ("OPTIONS", OVERVIEW)):
        answer = httpx.request(method, f"{server.url}{path}", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_happens_is_seen(tmp_path: Path) -> None:
    env = {"TUSD_JOBS__RENEW_EVERY": "0.2", **FAILS}
    with running_server(tmp_path / "data", "--workers", "2", env=env) as server:
        good = task_id(send(server, b"some text", filename="a.txt"))
        send(server, b"some text", filename="again.txt")
        bad = task_id(send(server, video(tmp_path / "clip.mp4")))
        wait_until(lambda: looked(server)["ended"]["hour"]["failed"] == 1, timeout=60)
        wait_until(lambda: looked(server)["ended"]["hour"]["completed"] == 2, timeout=60)
        wait_until(lambda: len(looked(server).get("steps", [])) > 1, timeout=60)
        seen = looked(server)
        assert seen["away"] == []
        assert seen["ended"]["day"]["success_ratio"] == pytest.approx(2 / 3)
        assert seen["jobs"] | {"queued": 0} == {
            "queued": 0, "running": 0, "failed": 1, "due": 0, "oldest_due_seconds": 0.0,
        }  # fmt: skip
        (worker,) = seen["workers"]
        assert (worker["slots"], worker["jobs"]) == (2, [])
        inspected = next(step for step in seen["steps"] if step["step"] == "inspect")
        assert inspected["runs"] >= 2
        assert inspected["mean_seconds"] > 0
        (failure,) = seen["failures"]
        assert (failure["task_id"], failure["filename"]) == (bad, "clip.mp4")
        assert failure["error"]
        assert seen["storage"]["files"] == 1
        assert seen["storage"]["object_bytes"] == 9

        asked = httpx.post(f"{server.url}{RETRY}", json={"id": bad})
        assert (asked.status_code, asked.json()) == (200, {"id": bad})
        wait_until(lambda: looked(server)["jobs"]["failed"] == 1, timeout=60)
        refused = httpx.post(f"{server.url}{RETRY}", json={"id": good})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
