"""Clients against a server that wants to write or replace other files."""

import gzip
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from support.hostile import Answering, HostileServer, Request, answer
from support.hostile_clients import CONTENT, TASK, quick
from typer.testing import CliRunner

from tusd_py.cli.main import application
from tusd_py.client import Client, Refused, Unreachable


def served(name: str, content: bytes = b"theirs") -> Answering:
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return lambda _: answer(200, content, Content_Disposition=disposition)


NAMES = [
    (".bashrc", "bashrc"),
    ("..", "file"),
    ("x/..", "file"),
    ("../../etc/cron.d/x", "x"),
    ("C:\\Windows\\x.dll", "x.dll"),
    ("/etc/passwd", "passwd"),
    ("a\0b", "ab"),
    ("a\nb\x1b[31m.txt", "ab[31m.txt"),
    ("photo\u202egpj.exe", "photogpj.exe"),
    ("nul.txt", "_nul.txt"),
    ("COM1", "_COM1"),
    ("x.txt:stream", "x.txt_stream"),
    ("name. . ", "name"),
    ("-rf", "_-rf"),
    ("...", "file"),
    ("é" * 200 + ".mp4", "é" * 125 + ".mp4"),
    ("a\u202fb\u3000c.txt", "a\u202fb\u3000c.txt"),
    ("\u3000.\u00a0x\u3000", "x"),
    ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "ÿ"),
]


def test_a_servers_name_stays_in_the_folder(tmp_path: Path) -> None:
    with (
        HostileServer(lambda _: b"") as server,
        Client(server.files, options=quick(tmp_path)) as client,
    ):
        for number, (name, kept) in enumerate(NAMES):
            server.answering = served(name)
            folder = tmp_path / str(number)
            folder.mkdir()
            target = client.download(client.known_upload(TASK), folder)
            assert target == folder / kept
            assert [path.name for path in folder.iterdir()] == [kept]
            assert target.read_bytes() == b"theirs"


def test_a_long_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    name = "视" * 100 + ".mp4"
    with (
        HostileServer(served(name)) as server,
        Client(server.files, options=quick(tmp_path)) as client,
    ):
        one, two = (client.download(client.known_upload(TASK), tmp_path) for _ in range(2))
    assert (one.name, two.name) == ("视" * 83 + ".mp4", "视" * 82 + " (1).mp4")


def test_a_file_that_is_there_is_never_replaced_by_a_servers_name(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    (folder / "Makefile").write_text("mine")
    (folder / "Makefile (1)").symlink_to(outside)
    with (
        HostileServer(served("Makefile")) as server,
        Client(server.files, options=quick(tmp_path)) as client,
    ):
        target = client.download(client.known_upload(TASK), folder, overwrite=True)
    assert target == folder / "Makefile (2)"
    assert (folder / "Makefile").read_text() == "mine"
    assert not outside.exists()


def test_a_file_that_was_named_is_replaced_only_by_force(tmp_path: Path) -> None:
    mine = tmp_path / "over.txt"
    mine.write_text("mine")
    with HostileServer(served("x")) as server:
        line = ["download", TASK, "--url", server.files, "-o", str(mine)]
        refused = CliRunner().invoke(application(), line)
        assert refused.exit_code == 1
        assert "is there already" in refused.output
        assert server.requests == []
        assert mine.read_text() == "mine"
        assert CliRunner().invoke(application(), [*line, "--force"]).exit_code == 0
        assert mine.read_text() == "theirs"
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        line = ["download", TASK, "--url", server.files, "-o", str(fifo), "--force"]
        refused = CliRunner().invoke(application(), line)
        assert refused.exit_code == 1
        # What was given already would not help.
        assert "--force" not in refused.output
        assert fifo.is_fifo()


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with HostileServer(served("x", CONTENT)) as server:
        done = CliRunner().invoke(
            application(), ["download", TASK, "--url", server.files, "-o", "-"]
        )
    assert done.stdout_bytes == CONTENT
    assert list(tmp_path.iterdir()) == []


def refused_download(tmp_path: Path, answering: Answering, kind: type[Exception]) -> HostileServer:
    folder = tmp_path / "folder"
    folder.mkdir()
    with (
        HostileServer(answering) as server,
        Client(server.files, options=quick(tmp_path)) as client,
        pytest.raises(kind),
    ):
        client.download(client.known_upload(TASK), folder)
    assert list(folder.iterdir()) == []
    return server


def endless() -> Iterator[bytes]:
    yield answer(200, Content_Length="-")
    while True:
        yield bytes(65536)


@pytest.mark.parametrize(
    "answering",
    [
        lambda _: answer(200, gzip.compress(CONTENT), Content_Encoding="gzip"),
        lambda _: endless(),
        lambda _: answer(206, b"x", Content_Range="bytes 0-0/1"),
        lambda _: answer(200, b"x", Content_Length="1" * 19),
        lambda _: answer(204),
        lambda _: answer(404, b'{"detail": 7}'),
        lambda _: answer(404, b"[" * 100_000),
        lambda _: answer(404, gzip.compress(bytes(1 << 20)), Content_Encoding="gzip"),
    ],
    ids=["gzip", "endless", "unasked range", "long number", "204", "number", "deep", "bomb"],
)
def test_an_answer_that_can_be_no_file_is_refused_at_once(
    tmp_path: Path, answering: Answering
) -> None:
    assert len(refused_download(tmp_path, answering, Refused).requests) == 1


@pytest.mark.parametrize("etag", ['"e"', 'W/"e"', ""])
def test_a_file_that_never_comes_whole_is_given_up(tmp_path: Path, etag: str) -> None:
    lengths = itertools.cycle([100, 50, 99, 51])

    def answering(_: Request) -> bytes:
        # The sizes grow and shrink in turn: that is no progress.
        return answer(200, CONTENT[: next(lengths)], Content_Length="100000", ETag=etag)

    assert len(refused_download(tmp_path, answering, Unreachable).requests) == 5


def test_another_content_is_not_put_behind_the_first(tmp_path: Path) -> None:
    def answering(request: Request) -> bytes:
        if "range" in request.headers:
            rest = CONTENT[500:]
            return answer(
                206, rest, ETag='"other"', Content_Range=f"bytes 500-{len(CONTENT) - 1}/100000"
            )
        return answer(200, CONTENT[:500], Content_Length="100000", ETag='"e"')

    server = refused_download(tmp_path, answering, Unreachable)
    assert server.requests[1].headers["if-range"] == '"e"'


def in_parts(*parts: tuple[str, bytes]) -> Answering:
    """Answer with the first 500 bytes, then with parts, each by its Content-Range."""
    later = itertools.cycle(parts)

    def answering(request: Request) -> bytes:
        if "range" not in request.headers:
            return answer(200, CONTENT[:500], Content_Length=str(len(CONTENT)), ETag='"e"')
        named, body = next(later)
        return answer(206, body, ETag='"e"', Content_Range=named)

    return answering


@pytest.mark.parametrize(
    ("named", "body"),
    [
        ("bytes 499-99999/100000", CONTENT[499:]),
        ("bytes 501-99999/100000", CONTENT[501:]),
        ("bytes 500-100000/100001", CONTENT[500:] + b"x"),
        ("bytes 500-100000/*", CONTENT[500:] + b"x"),
        ("bytes 500-499/100000", b""),
        ("bytes */100000", b""),
        ("500-99999/100000", CONTENT[500:]),
        ("", CONTENT[500:]),
    ],
)
def test_a_part_from_another_place_is_not_appended(tmp_path: Path, named: str, body: bytes) -> None:
    refused_download(tmp_path, in_parts((named, body)), Unreachable)


def test_a_part_with_more_bytes_than_its_range_is_refused(tmp_path: Path) -> None:
    refused_download(tmp_path, in_parts(("bytes 500-509/100000", CONTENT[500:520])), Refused)


def test_parts_that_are_shorter_than_what_was_requested_are_put_together(tmp_path: Path) -> None:
    """RFC 9110, 15.3.7: a server may send a part of what was requested; 14.4: or no length."""
    parts = [
        ("bytes 500-999/100000", CONTENT[500:1000]),
        ("bytes 1000-1000/*", CONTENT[1000:1001]),
        ("bytes 1001-99999/*", CONTENT[1001:]),
    ]
    with (
        HostileServer(in_parts(*parts)) as server,
        Client(server.files, options=quick(tmp_path)) as client,
    ):
        target = client.download(client.known_upload(TASK), tmp_path / "back")
    assert target.read_bytes() == CONTENT
    ranges = [request.headers.get("range") for request in server.requests]
    assert ranges == [None, "bytes=500-", "bytes=1000-", "bytes=1001-"]


def test_a_file_that_became_shorter_begins_again(tmp_path: Path) -> None:
    """RFC 9110, 15.5.17: 416, since nothing is left at the first byte that was requested."""
    answers = iter(
        [
            answer(200, CONTENT[:500], Content_Length="1000", ETag='"e"'),
            answer(416, Content_Range="bytes */100"),
            answer(200, CONTENT[:100], ETag='"f"'),
        ]
    )
    with (
        HostileServer(lambda _: next(answers)) as server,
        Client(server.files, options=quick(tmp_path)) as client,
    ):
        target = client.download(client.known_upload(TASK), tmp_path / "back")
    assert target.read_bytes() == CONTENT[:100]
    assert "range" not in server.requests[2].headers


def test_what_has_another_hash_than_the_server_states_is_not_kept(tmp_path: Path) -> None:
    whole = answer(200, CONTENT, ETag=f'"{"0" * 64}"')
    assert len(refused_download(tmp_path, lambda _: whole, Unreachable).requests) >= 4
