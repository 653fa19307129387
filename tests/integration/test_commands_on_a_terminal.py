"""What people see and type: tables, bars, questions and Ctrl-C."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.server import Server, running_server
from support.terminal import INTERRUPT, PROGRAM, Screen, on_a_terminal
from support.tus import create, task_id, upload


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose files wait, since it has no workers."""
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "0") as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUSD_TOKEN", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TUSD_URL", server.files)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "Asia/Shanghai")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def names() -> list[str]:
    return [
        json.loads(line)["filename"] for line in run("ls", "--all", "--json").stdout.splitlines()
    ]


def test_files_are_a_table_whose_names_alone_are_shortened(server: Server) -> None:
    half = task_id(create(server, 2_000_000, b"x" * 1_000_000, filename="半.bin"))
    long = upload(server, b"content", "a" * 60 + "\x1b[31m.txt")
    screen = on_a_terminal("ls", "--name", "")
    assert screen.code == 0
    heading, first, second = screen.lines[:3]
    assert heading.split() == ["ID", "Size", "Date", "State", "Name"]
    moment = r"20\d\d-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(rf"{long[:8]} +7 B  {moment}  waiting  +a+.*", first), screen.text
    assert re.fullmatch(rf"{half[:8]} +2 MB  {moment}  arriving \d+ %  半.bin", second)
    assert "\x1b[31m." not in screen.raw
    narrow = on_a_terminal("ls", columns=60)
    assert re.fullmatch(rf"{long[:8]} +7 B  {moment}  waiting +a+…", narrow.lines[1]), narrow.text
    assert all(len(line) <= 60 for line in narrow.lines)
    narrowest = on_a_terminal("ls", columns=40)
    assert re.fullmatch(rf"{long[:8]} +7 B  waiting +a+…", narrowest.lines[1]), narrowest.text
    assert on_a_terminal("ls", "--full", columns=140).lines[1].startswith(long)
    chinese = on_a_terminal("ls", env={"LC_ALL": "zh_CN.UTF-8"})
    assert chinese.lines[0].split() == ["ID", "大小", "日期", "状态", "名称"]


def test_a_deletion_is_agreed_to(server: Server) -> None:
    mine = upload(server, b"mine", "mine.txt")
    open_one = task_id(create(server, 10, b"half", filename="open.bin"))
    refused = run("rm", mine)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("tusd-py: there is no terminal to ask on")
    for typed in ("n\n", "\n", "\x04"):
        kept = on_a_terminal("rm", mine, typed=[("[y/N]", typed)])
        assert kept.code == 1
        assert "nothing was deleted" in kept.text
    stopped = on_a_terminal("rm", mine, typed=[("[y/N]", INTERRUPT)])
    assert stopped.code == 130
    assert {"mine.txt", "open.bin"} <= set(names())
    gone = on_a_terminal("rm", mine[:8], open_one, typed=[("Delete these 2 files? [y/N]", "y\n")])
    assert gone.code == 0
    assert gone.lines[-2:] == ["deleted: mine.txt", "deleted: open.bin"]
    assert not {"mine.txt", "open.bin"} & set(names())


def test_one_failure_does_not_keep_the_others(server: Server) -> None:
    mine = upload(server, b"mine", "mine.txt")
    done = run("rm", "name.txt", "0" * 8, mine, mine, "--yes", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    states = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(state["id"], state["deleted"]) for state in states] == [
        ("name.txt", False), ("0" * 8, False), (mine, True),
    ]  # fmt: skip
    assert states[2] == {"id": mine, "task_id": mine, "filename": "mine.txt", "deleted": True}
    assert "mine.txt" not in names()
    lines = run("rm", "0" * 8, "--yes").stderr
    assert lines == "tusd-py: 00000000: you have no file with the id 00000000\n"


def bars(screen: Screen) -> list[str]:
    return [line for line in screen.lines if "━" in line]


def test_a_file_has_one_bar_until_it_waits(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "film.bin"
    file.write_bytes(os.urandom(3_000_000))
    screen = on_a_terminal("upload", str(file), typed=[("waiting", INTERRUPT)])
    assert screen.code == 130
    assert all(line.startswith("film.bin") for line in bars(screen))
    assert any(" / 3 MB" in line for line in bars(screen)), screen.text
    # The bar is gone at the end.
    (last,) = [line for line in screen.lines if line.startswith("tusd-py: ")]
    followed = re.fullmatch(
        r"tusd-py: stopped; everything has arrived, and the server continues: "
        r"tusd-py watch ([0-9a-f]{32})",
        last,
    )
    assert followed is not None, screen.text
    narrow = on_a_terminal("watch", followed[1], typed=[("waiting", INTERRUPT)], columns=40)
    assert narrow.code == 130
    assert all(len(line.removesuffix("^C")) <= 40 for line in bars(narrow))
    assert f"tusd-py: stopped; the server continues: tusd-py watch {followed[1]}" in narrow.raw


def test_no_encoding_of_a_terminal_is_an_error(server: Server) -> None:
    upload(server, b"content", "半.txt")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for command in (["ls"], ["ls", "--help"], ["ls", "--size", "0"]):
        screen = on_a_terminal(*command, env=ascii_only)
        assert screen.code in (0, 2), screen.text
        assert screen.raw.isascii()
        assert "Traceback" not in screen.text
