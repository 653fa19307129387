"""Clients against a server whose texts contain escape sequences for the terminal."""

import json
from pathlib import Path

import pytest
from support.hostile import HostileServer, Request, answer, event
from support.hostile_clients import TASK
from support.terminal import on_a_terminal
from typer.testing import CliRunner

from tusd_py.cli.main import application

EVIL = "\x1b]0;owned\x07\x9b31m\u202e\ndone\r\t\x7f[link=http://evil]x[/link][/nothing]"


def clean(text: str) -> bool:
    return not any(
        (ord(character) < 32 and character != "\n") or 127 <= ord(character) < 160
        or character == "\u202e"
        for character in text
    )  # fmt: skip


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("line", "evil_answer"),
    [
        (["watch", TASK], lambda: event(status="failed", progress=EVIL, error=EVIL)),
        (["watch", TASK], lambda: answer(403, json.dumps({"detail": EVIL}).encode())),
        (["tasks"], lambda: answer(200, json.dumps(
            {"total": EVIL, "tasks": [{"task_id": EVIL, "filename": EVIL, "progress": [EVIL]}]}
        ).encode())),
        (["tasks"], lambda: answer(200, b'{"tasks": 7}')),
        (["tasks"], lambda: answer(400, json.dumps({"detail": EVIL}).encode())),
    ],
)  # fmt: skip
def test_a_servers_text_reaches_no_terminal_as_it_is(
    line: list[str], evil_answer: "type[bytes]", flags: list[str]
) -> None:
    with HostileServer(lambda _: evil_answer()) as server:
        done = CliRunner().invoke(application(), [*line, "--url", server.files, *flags])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    # Those between the fields of a file in the list.
    assert done.output.count("\t") in (0, 4)
    assert clean(done.output.replace("\t", "")), repr(done.output)
    assert len(done.output.splitlines()) <= 2


@pytest.mark.parametrize("line", [["ls"], ["share", "--list"], ["watch", TASK], ["rm", TASK]])
def test_a_servers_text_moves_no_cursor_of_a_real_terminal(line: list[str]) -> None:
    entry = {"task_id": TASK, "filename": EVIL, "id": EVIL, "url": EVIL, "created_at": EVIL}
    listed = json.dumps({"tasks": [entry], "shares": [entry], "total": EVIL}).encode()

    def answering(request: Request) -> bytes:
        if "events" in request.target:
            return event(status="failed", progress=EVIL, error=EVIL)
        return answer(200, listed)

    with HostileServer(answering) as server:
        screen = on_a_terminal(*line, "--url", server.files, typed=[("[y/N]", "n\n")])
    assert "owned" in screen.text
    for sequence in ("\x1b]0;", "\x9b31m", "\u202e", "\x7f", "\ndone", "\t"):
        assert sequence not in screen.raw


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_an_uploads_texts_reach_no_terminal_as_they_are(tmp_path: Path, flags: list[str]) -> None:
    file = tmp_path / "a\x1b[2J\n.bin"
    file.write_bytes(b"0123456789")

    def answering(request: Request) -> bytes:
        if request.method == "POST":
            return answer(201, Location="/files/abc")
        if request.method == "PATCH":
            return answer(204, Upload_Offset="10")
        return event(status="completed", progress=100, message=EVIL, oss_path=EVIL)

    with HostileServer(answering) as server:
        done = CliRunner().invoke(
            application(), ["upload", str(file), "--url", server.files, *flags]
        )
    assert done.exit_code == 0, done.output
    assert clean(done.output), repr(done.output)
