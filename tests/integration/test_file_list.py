"""What a user has is listed from the catalog, for as long as it exists, with the newer states of the view over it."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import append, create, delete, task_id, upload
from support.waiting import wait_until

from tusd_py.client import Client
from tusd_py.clock import SystemClock

ME, OTHER = bearer(token(1)), bearer(token(2))
TASKS = "/api/file/upload/tasks"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path_factory.mktemp("data"), env=env) as running:
        yield running


@pytest.fixture(scope="module")
def mine(server: Server) -> dict[str, str]:
    """Return my uploads in each state, by name: two completed, one whose bytes still arrive."""
    tasks = {}
    for name in ("Report 1.txt", "photo_50%.bin"):
        tasks[name] = upload(server, name.encode(), name, headers=ME)
        progress = f"{server.url}/api/file/upload/progress/{tasks[name]}"
        wait_until(
            lambda url=progress: httpx.get(url, headers=ME).json()["status"] == "completed", 60
        )
    tasks["open.bin"] = task_id(create(server, 10, b"half", headers=ME, filename="open.bin"))
    gone = create(server, 3, headers=ME, filename="deleted.txt")
    assert delete(gone, **ME).status_code == 204
    create(server, 3, headers=ME, concat="partial", filename="part")
    upload(server, b"theirs", "Report of another user.txt", headers=OTHER)
    return tasks


def listed(server: Server, **query: Any) -> dict[str, Any]:
    answer = httpx.get(f"{server.url}{TASKS}", params=query, headers=ME)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [task["filename"] for task in found["tasks"]]


def test_everything_that_was_not_deleted_is_listed(server: Server, mine: dict[str, str]) -> None:
    found = listed(server)
    assert names(found) == list(mine)[::-1]
    assert (found["total"], found["page"], found["size"], found["next"]) == (3, 1, 10, None)
    assert [task["status"] for task in found["tasks"]] == ["pending", "completed", "completed"]
    assert [task["progress"] for task in found["tasks"]][1:] == [100, 100]
    assert [task["file_size"] for task in found["tasks"]] == [10, 13, 12]
    prefix = mine["Report 1.txt"][:8]
    assert names(listed(server, id=prefix)) == ["Report 1.txt"]
    assert names(listed(server, id=prefix, name="photo")) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "report"}, ["Report 1.txt"]),
        ({"name": "50%"}, ["photo_50%.bin"]),
        ({"name": "%"}, ["photo_50%.bin"]),
        ({"name": "o_5"}, ["photo_50%.bin"]),
        ({"name": "deleted"}, []),
        ({"name": "\0"}, []),
        ({"name": "report\0"}, []),
        ({"state": "receiving"}, ["open.bin"]),
        ({"state": "completed", "name": ".bin"}, ["photo_50%.bin"]),
        ({"state": "processing"}, []),
        ({"state": "failed"}, []),
        ({"created_before": "2020-01-01"}, []),
        ({"created_from": "2020-01-01T00:00:00Z", "state": "receiving"}, ["open.bin"]),
        ({"created_from": "9999-01-01"}, []),
    ],
)
def test_files_are_found_by_name_state_and_date(
    server: Server, mine: dict[str, str], query: dict[str, str], expected: list[str]
) -> None:
    found = listed(server, **query)
    assert (names(found), found["total"]) == (expected, len(expected))


@pytest.mark.parametrize(
    "query",
    [
        {"state": "all"}, {"created_from": "yesterday"}, {"created_before": ""}, {"cursor": "x"},
        {"cursor": "é"}, {"cursor": "A" * 33}, {"cursor": "_" * 32}, {"page": "0"}, {"id": ""}, {"id": "A"}, {"id": "%"}, {"id": "0" * 33},
    ],
)  # fmt: skip
def test_a_search_that_is_malformed_is_refused(server: Server, query: dict[str, str]) -> None:
    answer = httpx.get(f"{server.url}{TASKS}", params=query, headers=ME)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_pages_by_cursor_miss_and_repeat_nothing(server: Server, mine: dict[str, str]) -> None:
    found = listed(server, size=1)
    seen = names(found)
    added = create(server, 3, headers=ME, filename="added meanwhile")
    while found["next"] is not None:
        found = listed(server, size=1, cursor=found["next"])
        assert "page" not in found
        seen += names(found)
    assert seen == list(mine)[::-1]
    assert delete(added, **ME).status_code == 204


def test_the_list_outlives_the_view(server: Server, mine: dict[str, str]) -> None:
    before = listed(server)
    with sqlite3.connect(server.data_dir / "tasks.sqlite3") as view:
        view.execute("DELETE FROM tasks")
    after = listed(server)
    assert names(after) == names(before)
    # How many bytes have arrived is known to the view only.
    assert after["tasks"][1:] == before["tasks"][1:]
    assert after["tasks"][0]["status"] == "pending"


def test_the_newer_state_of_the_view_is_shown(server: Server, mine: dict[str, str]) -> None:
    url = create(server, 1000, headers=ME, filename="half")
    append(url, 0, b"x" * 500, **ME)
    listed(server)  # The view writes what it has before a reader looks.
    with sqlite3.connect(server.data_dir / "tasks.sqlite3") as view:
        view.execute(
            "UPDATE tasks SET status = 'compressing', progress = 44 WHERE task_id = ?",
            (task_id(url),),
        )
    (task,) = listed(server, name="half")["tasks"]
    assert (task["status"], task["progress"]) == ("compressing", 44)
    assert delete(url, **ME).status_code == 204
    assert listed(server, name="half")["total"] == 0


def test_a_refused_upload_is_listed_until_its_owner_deletes_it(server: Server) -> None:
    url = create(server, 3, headers=ME, filename="wrong.bin", filehash="blake3:" + "0" * 64)
    answer = httpx.patch(
        url,
        headers={
            **ME,
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
        content=b"abc",
    )
    assert answer.status_code == 460
    (task,) = listed(server, name="wrong")["tasks"]
    assert task["status"] == "failed"
    assert delete(url, **ME).status_code == 410
    assert listed(server, name="wrong")["total"] == 0


def test_the_command_lists_all_pages_and_finds_files(
    server: Server, mine: dict[str, str], tmp_path: Path
) -> None:
    def run(*arguments: str, zone: str = "UTC") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tusd_py", "ls", "--url", server.files, *arguments],
            capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "TUSD_TOKEN": token(1), "HOME": str(tmp_path), "TZ": zone},
        )  # fmt: skip

    lines = run("--all", "--size", "1", "--json").stdout.splitlines()
    assert [json.loads(line)["filename"] for line in lines] == list(mine)[::-1]
    assert run("--name", "REPORT", "--state", "completed").stderr == "1 of 1\n"
    assert run("--from", "2020-01-01", "--before", "2020-01-02").stderr == "0 of 0\n"
    # A time without a zone is local: this zone is 12 hours behind UTC.
    ago, ahead = (
        time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(SystemClock().now() - hours * 3600))
        for hours in (13, 11)
    )
    assert run("--from", ago, zone="XYZ12").stderr == f"{len(mine)} of {len(mine)}\n"
    assert run("--from", ahead, zone="XYZ12").stderr == "0 of 0\n"


def test_a_file_comes_back_with_the_time_of_its_last_change(server: Server, tmp_path: Path) -> None:
    sent = tmp_path / "sent.txt"
    sent.write_bytes(b"as old as its metadata say")
    os.utime(sent, ns=(0, 1_500_000_000_250_000_000))
    with Client(server.files, token=token(1)) as client:
        uploaded = client.upload(sent)
        client.wait(uploaded)
        back = client.download(uploaded, tmp_path / "back.txt")
    assert back.read_bytes() == sent.read_bytes()
    assert back.stat().st_mtime == 1_500_000_000
