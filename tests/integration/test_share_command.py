"""``tusd-py share``: a link is made, limited, listed, shown as a QR code, and revoked."""

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from support.server import Server, running_server
from support.terminal import PROGRAM, on_a_terminal
from support.tus import create, task_id, upload

from tusd_py.client import Client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "1") as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUSD_TOKEN", "LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUSD_URL", server.files)


def share(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, "share", *arguments], input=given, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_a_link_is_made_listed_and_revoked(server: Server) -> None:
    task = upload(server, b"content", "a.txt")
    server.wait_for_status(task, "completed")
    done = share(task[:8])
    assert done.returncode == 0, done.stderr
    link = done.stdout.strip()
    assert httpx.get(f"{link}/download").content == b"content"
    assert done.stderr.startswith("until 20")
    limited = share(task, "--expires", "2d", "--once", "--password-stdin", "--json", given="hm\n")
    made = json.loads(limited.stdout)
    assert (made["downloads"], made["has_password"], made["task_id"]) == (1, True, task)
    moments = [datetime.fromisoformat(made[name]) for name in ("created_at", "expires_at")]
    assert (moments[1] - moments[0]).total_seconds() == 2 * 86_400
    assert httpx.get(f"{made['url']}/download", auth=("", "hm")).content == b"content"
    used = share(task, "--list")
    newest, first = (line.split("\t") for line in used.stdout.splitlines())
    assert newest[1:3] == [task, made["url"]]
    assert newest[4:] == ["1", "1", "true", "a.txt"]
    share_id = first[0]
    assert first[1:3] == [task, link]
    assert first[4:] == ["1", "", "false", "a.txt"]
    assert share("--revoke", share_id).stdout == f"revoked: {share_id}\n"
    assert httpx.get(f"{link}/download").status_code == 410
    again = share("--revoke", share_id)
    assert (again.returncode, again.stderr) == (1, "tusd-py: There is no such link.\n")


def test_a_link_of_a_server_that_does_not_know_its_host_is_whole(server: Server) -> None:
    task = upload(server, b"content", "c.txt")
    server.wait_for_status(task, "completed")
    # The sign of a proxy that the server does not trust.
    with httpx.Client(headers={"X-Forwarded-For": "192.0.2.1"}) as http:
        client = Client(server.files, http=http)
        sent = client.known_upload(task)
        made = client.share(sent)
        assert [link["url"] for link in client.shares(sent)] == [made["url"]]
    assert httpx.get(f"{made['url']}/download").content == b"content"


def test_a_terminal_shows_a_code_and_hides_the_password(server: Server) -> None:
    task = upload(server, b"content", "b.txt")
    server.wait_for_status(task, "completed")
    typed = [("Password for the link: ", "canary\n"), ("again: ", "canary\n")]
    screen = on_a_terminal("share", task, "--password", "--qr", "--downloads", "3", typed=typed)
    assert screen.code == 0, screen.raw
    assert "canary" not in screen.raw
    assert screen.raw.count("\x1b[38;5;16;48;5;231m") > 15
    assert any(line.endswith("0 of 3 downloads, with a password") for line in screen.lines)
    listed = on_a_terminal("share", "--list", task)
    assert sum("/s/" in line for line in listed.lines) == 1
    typed[1] = ("again: ", "another\n")
    differs = on_a_terminal("share", task, "--password", typed=typed)
    assert (differs.code, differs.lines[-1]) == (2, "tusd-py: the passwords are not the same")


def test_what_can_not_be_shared_is_a_sentence(server: Server) -> None:
    half = task_id(create(server, 10, b"half", filename="open.bin"))
    done = share(half)
    assert (done.returncode, done.stderr) == (1, "tusd-py: The upload is not finished.\n")
    for wrong in ([], ["a.txt"], [half, "--expires", "soon"], [half, "--once", "--downloads", "2"],
                  [half, "--password"], [half, "--password-stdin"], [half, "--json", "--qr"]):  # fmt: skip
        refused = share(*wrong)
        assert (refused.returncode, refused.stdout) == (2, ""), wrong
        assert len(refused.stderr.splitlines()) == 1
