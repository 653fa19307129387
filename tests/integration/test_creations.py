"""Many uploads that one request creates."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import blake3
import httpx
import pytest
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import append, delete, metadata, offset, patch, upload

URL = "/api/file/upload/creations"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "data", "--workers", "1") as server:
        yield server


def ask(server: Server, *uploads: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}{URL}", json={"uploads": uploads}, headers=headers, timeout=60)


def created(server: Server, *uploads: object, **headers: str) -> list[dict[str, Any]]:
    answer = ask(server, *uploads, **headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["uploads"]
    assert len(found) == len(uploads)
    return found


def test_what_is_stored_is_complete_at_once_and_the_rest_is_sent(server: Server) -> None:
    content = os.urandom(1000)
    server.wait_for_status(upload(server, content, filename="a.bin"), "completed")
    digest = f"blake3:{blake3.blake3(content).hexdigest()}"
    held, new = created(
        server,
        {"length": 1000, "metadata": metadata(filename="b.bin", filehash=digest)},
        {"length": 5.0, "metadata": metadata(filename="c.txt")},
    )
    assert (held["offset"], held["instant"]) == (1000, True)
    assert (new["offset"], new["instant"]) == (0, False)
    append(f"{server.files}{new['task_id']}", 0, b"hello")
    for task, name in ((held["task_id"], "b.bin"), (new["task_id"], "c.txt")):
        server.wait_for_status(task, "completed")
        assert server.progress(task)["filename"] == name


def test_an_entry_that_is_refused_does_not_affect_the_others(tmp_path: Path) -> None:
    limits = {"TUSD_MAX_SIZE": "1KiB", "TUSD_LIMITS__STORED_BYTES": "1500", "TUSD_WORKERS": "0"}
    with running_server(tmp_path / "data", env=limits) as server:
        large, first, wrong, last, beyond = created(
            server,
            {"length": 2000},
            {"length": 1000},
            {"length": 1, "metadata": "a\r\nUpload-Concat: partial"},
            {"length": 500},
            {"length": 1},
        )
        assert (large["status"], large["code"]) == (413, "max_size_exceeded")
        assert (wrong["status"], wrong["code"]) == (400, "malformed_header")
        # The quota has room for two of the three, whatever the order in which they were recorded.
        kept = [one for one in (first, last, beyond) if "task_id" in one]
        (refused,) = (one for one in (first, last, beyond) if "task_id" not in one)
        assert (len(kept), refused["code"]) == (2, "quota_exceeded")
        assert [offset(f"{server.files}{one['task_id']}") for one in kept] == [0, 0]


def test_each_entry_counts_as_one_request(tmp_path: Path) -> None:
    rates = {"TUSD_LIMITS__REQUESTS": "10", "TUSD_LIMITS__WINDOW": "1h"}
    with running_server(tmp_path / "data", "--workers", "0", env=rates) as server:
        answers = created(server, *[{"length": 1}] * 12)
        assert ["task_id" in one for one in answers] == [True] * 10 + [False] * 2
        assert answers[-1]["code"] == "too_many_requests"


def test_what_is_no_list_of_uploads_is_refused(server: Server) -> None:
    for uploads in ([], [{"length": 1}] * 101, ["x"], [{"length": -1}], [{"length": True}],
                    [{"length": "1"}], [{"length": 1.5}], [{"length": 1, "metadata": 5}],
                    [{"length": 1, "key": "x"}], [{"length": 1, "key": 1}],
                    [{"length": 1, "key": None}]):  # fmt: skip
        assert ask(server, *uploads).status_code == 400
    assert ask(server, {"length": 1, "metadata": "x" * (300 << 10)}).status_code == 400


def test_each_upload_has_a_token_of_its_own(tmp_path: Path) -> None:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        one, two = created(server, {"length": 2}, {"length": 2}, **bearer(token(7)))
        mine = {"Upload-Token": one["upload_token"]}
        assert patch(f"{server.files}{one['task_id']}", 0, b"ab", **mine).status_code == 204
        assert patch(f"{server.files}{two['task_id']}", 0, b"ab", **mine).status_code == 404
        assert ask(server, {"length": 1}, **mine).status_code == 403


def keyed(*lengths: int) -> list[dict[str, Any]]:
    return [{"length": length, "key": secrets.token_hex(16)} for length in lengths]


def test_what_is_sent_again_with_its_key_is_created_once(server: Server) -> None:
    content = os.urandom(1000)
    server.wait_for_status(upload(server, content, filename="a.bin"), "completed")
    digest = f"blake3:{blake3.blake3(content).hexdigest()}"
    held, empty, half, deleted = keyed(1000, 0, 10, 5)
    held["metadata"] = metadata(filename="b.bin", filehash=digest)
    first = created(server, held, empty, half, deleted)
    append(f"{server.files}{first[2]['task_id']}", 0, b"hello")
    assert delete(f"{server.files}{first[3]['task_id']}").status_code == 204
    again = created(server, held, empty, half, deleted)
    assert [one.get("task_id") for one in again[:3]] == [one["task_id"] for one in first[:3]]
    assert [(one["offset"], one["instant"]) for one in again[:3]] == [
        (1000, True), (0, False), (5, False)
    ]  # fmt: skip
    assert (again[3]["status"], again[3]["code"]) == (410, "upload_terminated")
    other = created(server, {**half, "length": 11})
    assert (other[0]["status"], other[0]["code"]) == (400, "length_conflict")
    tasks = httpx.get(f"{server.url}/api/file/upload/tasks").json()
    assert tasks["total"] == 4


def test_a_creation_that_is_repeated_while_it_runs_is_one(server: Server) -> None:
    entries = keyed(*[5] * 50)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: created(server, *entries), range(4)))
    for several in zip(*answers, strict=True):
        # One that comes too early is refused for the moment.
        assert {one.get("code") for one in several} <= {None, "upload_locked"}
        assert len({one["task_id"] for one in several if "task_id" in one}) == 1
    tasks = httpx.get(f"{server.url}/api/file/upload/tasks").json()
    assert tasks["total"] == 50


def test_a_key_is_its_users_own(tmp_path: Path) -> None:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        entries = keyed(5)
        mine, theirs = (created(server, *entries, **bearer(token(user))) for user in (7, 8))
        assert mine[0]["task_id"] != theirs[0]["task_id"]
        again = created(server, *entries, **bearer(token(7)))
        assert again[0]["task_id"] == mine[0]["task_id"]
        patched = patch(
            f"{server.files}{again[0]['task_id']}", 0, b"hello",
            **{"Upload-Token": again[0]["upload_token"]},
        )  # fmt: skip
        assert patched.status_code == 204
