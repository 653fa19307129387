"""``tusd-py ls``, ``watch`` and ``download`` against a real server."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.breaking_proxy import BreakingProxy
from support.server import Server, running_server
from support.tus import create, task_id, upload

from tusd_py.client.download import name_in


def run(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [".venv/bin/tusd-py", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("command", ["ls", "tasks"])
def test_files_are_listed_newest_first(server: Server, command: str) -> None:
    tasks = [task_id(create(server, 10, filename=f"{number}.bin")) for number in range(3)]
    done = subprocess.run(
        [".venv/bin/tusd-py", command, "--url", server.files, "--size", "2"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == tasks[:0:-1]
    assert [(line[1], *line[3:]) for line in lines] == [
        ("10", "pending", "2.bin"), ("10", "pending", "1.bin"),
    ]  # fmt: skip
    assert all(line[2].endswith("Z") for line in lines)
    assert done.stderr == "2 of 3\n"
    output = run(command, "--url", server.files, "--json").splitlines()
    assert [json.loads(line)["task_id"] for line in output] == tasks[::-1]


def test_a_task_is_watched_to_its_end(server: Server) -> None:
    task = upload(server, b"content")
    assert run("watch", task[:8], "--url", server.files).splitlines()[-3:] == [
        "completed",
        f"stored         {server.progress(task)['oss_path']}",
        f"url            {server.files}{task}",
    ]
    last = run("watch", task, "--url", server.files, "--json").splitlines()[-1]
    assert json.loads(last)["status"] == "completed"


def test_the_task_of_a_file_that_is_not_followed_is_printed(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "sent.bin"
    file.write_bytes(b"content")
    arguments = ["upload", str(file), "--url", server.files, "--no-follow"]
    last = json.loads(run(*arguments, "--json").splitlines()[-1])
    assert last["url"] == f"{server.files}{last['task_id']}"
    assert last["file"] == str(file)
    assert server.wait_for_status(last["task_id"], "completed")["filename"] == file.name
    lines = dict(line.split(maxsplit=1) for line in run(*arguments).splitlines())
    assert lines["url"] == f"{server.files}{lines['task']}"


def test_a_failed_task_ends_with_one(tmp_path: Path) -> None:
    env = {"TUSD_SCAN__ADDRESS": "127.0.0.1:1", "TUSD_SCAN__MAX_BYTES": "1"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        task = upload(server, b"content")
        output = run("watch", task, "--url", server.files, code=1)
        assert "The file is too large to be scanned for viruses." in output


def test_a_file_comes_back_whole_through_breaks(server: Server, tmp_path: Path) -> None:
    content = os.urandom(6_000_000)
    file = tmp_path / "sent.bin"
    file.write_bytes(content)
    task = upload(server, file)
    server.wait_for_status(task, "completed")
    proxy = BreakingProxy(server.port, cut_after=[1_000_000, 2_000_000], answers=True)
    try:
        url = f"http://127.0.0.1:{proxy.port}/files/"
        target = tmp_path / "back.bin"
        assert run("download", task, "--url", url, "-o", str(target)).strip() == str(target)
        assert proxy.cuts_made == 2
    finally:
        proxy.close()
    assert target.read_bytes() == content
    assert not list(tmp_path.glob("*.part"))
    folder = tmp_path / "folder"
    folder.mkdir()
    named = run("download", task, "--url", server.files, "-o", str(folder)).strip()
    assert Path(named) == folder / "sent.bin"
    assert Path(named).read_bytes() == content


def test_what_is_not_there_is_reported_in_a_sentence(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "x"
    output = run("download", "0" * 32, "--url", server.files, "-o", str(target), code=1)
    assert output == "tusd-py: There is no such upload.\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]
    output = run("tasks", "--url", "http://127.0.0.1:1/files/", code=3)
    assert "can't be reached" in output


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a.bin"', "a.bin"),
        ("attachment; filename=\"_.bin\"; filename*=UTF-8''%E8%A7%86.bin", "视.bin"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename=".."', ""),
        ('attachment; filename="a\\\\b"', "b"),
        ("", ""),
    ],
)
def test_a_name_is_never_a_path(disposition: str, name: str) -> None:
    assert name_in(disposition) == name
