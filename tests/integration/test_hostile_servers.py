"""Clients against a server that wants their credentials, their files, their terminal or their time."""

import asyncio
import gzip
import io
import itertools
import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from support.hostile import Answering, HostileServer, Request, answer
from typer.testing import CliRunner

from tusd_py.cli.main import app
from tusd_py.client import AsyncClient, Client, Options, Refused, Unreachable
from tusd_py.client.remembered import Begun, Remembered
from tusd_py.clock import SystemClock
from tusd_py.doctor.deployment.exposure import check_exposure
from tusd_py.doctor.deployment.visit import Visit
from tusd_py.doctor.findings import Level

TOKEN = "canary-token-1f2e"
TASK = "0" * 32


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sent.bin"
    path.write_bytes(b"0123456789")
    return path


def quick(folder: Path, **more: int) -> Options:
    return Options(
        remembered=Remembered(folder / "state"), longest_pause=0.01, **{"retries": 3, **more}
    )


def upload_by(kind: str, url: str, file: Path, folder: Path, token: str | None = TOKEN) -> None:
    options = quick(folder)
    if kind == "stream":
        with Client(url, token=token, options=options) as client:
            client.upload_stream(io.BytesIO(file.read_bytes()))
    elif kind == "blocking":
        with Client(url, token=token, options=options) as client:
            client.upload(file)
    else:

        async def run() -> None:
            async with AsyncClient(url, token=token, options=options) as client:
                await client.upload(file)

        asyncio.run(run())


KINDS = ["blocking", "async", "stream"]

# -- what proves who the client is


@pytest.mark.parametrize(
    "location",
    [
        "{other}/files/abc",
        "//127.0.0.1:{other_port}/files/abc",
        "http://user@127.0.0.1:{other_port}/files/abc",
        "http://x:y@127.0.0.1:{port}/files/abc",
        "https://127.0.0.1:{port}/files/abc",
        "http://localhost:{port}/files/abc",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/abc",
        "http://127.0.0.1:99999/abc",
        "http://127.0.0.1:{port}/" + "a" * 9000,
        "",
    ],
)
def test_nothing_is_sent_where_another_origin_is_named(
    file: Path, tmp_path: Path, location: str
) -> None:
    kinds = KINDS if location.startswith("{other}") else KINDS[:1]
    with HostileServer(lambda _: answer(204, Upload_Offset="10")) as other:

        def made(_: Request) -> bytes:
            named = location.format(other=other.origin, other_port=other.port, port=server.port)
            return answer(201, Location=named)

        with HostileServer(made) as server:
            for kind in kinds:
                with pytest.raises(Refused):
                    upload_by(kind, server.files, file, tmp_path)
            assert [request.method for request in server.requests] == ["POST"] * len(kinds)
        assert other.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_redirects_of_an_upload_are_not_followed(file: Path, tmp_path: Path, kind: str) -> None:
    with (
        HostileServer(lambda _: answer(204)) as other,
        HostileServer(lambda _: answer(307, Location=f"{other.origin}/files/")) as server,
    ):
        with pytest.raises(Refused, match="redirects are not followed"):
            upload_by(kind, server.files, file, tmp_path)
        assert len(server.requests) == 1
        assert other.requests == []


def test_an_upload_is_not_resumed_at_another_server(file: Path, tmp_path: Path) -> None:
    with HostileServer(lambda _: answer(200, Upload_Offset="0")) as other:

        def told(request: Request) -> bytes:
            if request.method == "POST":
                return answer(201, Location="/files/own")
            return answer(204, Upload_Offset="10")

        with HostileServer(told) as server:
            remembered = Remembered(tmp_path / "state")
            remembered.put(file, server.files, Begun(f"{other.origin}/files/x", "upload-token"))
            upload_by("blocking", server.files, file, tmp_path)
            assert [request.method for request in server.requests] == ["POST", "PATCH"]
        assert other.requests == []


def test_a_user_in_the_address_is_sent_to_its_origin_and_kept_out_of_addresses(
    file: Path, tmp_path: Path
) -> None:
    def told(request: Request) -> bytes:
        if request.method == "POST":
            return answer(201, Location=f"http://127.0.0.1:{server.port}/files/a")
        return answer(204, Upload_Offset="10")

    with HostileServer(told) as server:
        url = f"http://ann:s3cret@127.0.0.1:{server.port}/files/"
        with Client(url, options=quick(tmp_path)) as client:
            sent = client.upload(file, instant=False)
        assert sent.url == f"{server.files}a"
        assert {request.headers["authorization"] for request in server.requests} == {
            "Basic YW5uOnMzY3JldA=="
        }


CONTENT = os.urandom(100_000)


def test_a_download_follows_its_link_without_credentials(tmp_path: Path) -> None:
    with (
        HostileServer(lambda _: answer(200, CONTENT, ETag='"e"')) as storage,
        HostileServer(lambda _: answer(307, Location=f"{storage.origin}/b?signature=s")) as server,
    ):
        target = tmp_path / "back.bin"
        with Client(server.files, token=TOKEN, options=quick(tmp_path)) as client:
            client.download(client.sent(TASK), target)
        assert target.read_bytes() == CONTENT
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert storage.requests[0].target == "/b?signature=s"
        assert TOKEN not in str(storage.requests)


def test_credentials_do_not_come_back_after_a_detour(tmp_path: Path) -> None:
    with HostileServer(lambda _: answer(307, Location=f"{server.files}secret")) as other:

        def told(request: Request) -> bytes:
            if request.target.endswith("secret"):
                return answer(200, b"x")
            return answer(307, Location=f"{other.origin}/away")

        with HostileServer(told) as server:
            with Client(server.files, token=TOKEN, options=quick(tmp_path)) as client:
                client.download(client.sent(TASK), tmp_path / "x")
            assert "authorization" in server.requests[0].headers
            assert "authorization" not in server.requests[1].headers


@pytest.mark.parametrize("location", ["file:///etc/passwd", "", "/files/again", "http://a@b/"])
def test_a_redirect_that_leads_nowhere_ends(tmp_path: Path, location: str) -> None:
    with HostileServer(lambda _: answer(302, Location=location)) as server:
        with (
            Client(server.files, token=TOKEN, options=quick(tmp_path)) as client,
            pytest.raises(Refused, match="redirects"),
        ):
            client.download(client.sent(TASK), tmp_path / "x")
        assert len(server.requests) <= 6
    assert not (tmp_path / "x").exists()


# -- the files of the user


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
    ("é" * 200 + ".mp4", "é" * 98 + ".mp4"),
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
            target = client.download(client.sent(TASK), folder)
            assert target == folder / kept
            assert [path.name for path in folder.iterdir()] == [kept]
            assert target.read_bytes() == b"theirs"


def test_a_file_that_is_there_is_never_replaced_by_a_servers_name(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    (folder / "Makefile").write_text("mine")
    (folder / "Makefile (1)").symlink_to(outside)
    with (
        HostileServer(served("Makefile")) as server,
        Client(server.files, options=quick(tmp_path)) as client,
    ):
        target = client.download(client.sent(TASK), folder, overwrite=True)
    assert target == folder / "Makefile (2)"
    assert (folder / "Makefile").read_text() == "mine"
    assert not outside.exists()


def test_a_file_that_was_named_is_replaced_only_by_force(tmp_path: Path) -> None:
    mine = tmp_path / "over.txt"
    mine.write_text("mine")
    with HostileServer(served("x")) as server:
        line = ["download", TASK, "--url", server.files, "-o", str(mine)]
        refused = CliRunner().invoke(app, line)
        assert refused.exit_code == 1
        assert "is there already" in refused.output
        assert server.requests == []
        assert mine.read_text() == "mine"
        assert CliRunner().invoke(app, [*line, "--force"]).exit_code == 0
        assert mine.read_text() == "theirs"
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        line = ["download", TASK, "--url", server.files, "-o", str(fifo), "--force"]
        assert CliRunner().invoke(app, line).exit_code == 1
        assert fifo.is_fifo()


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with HostileServer(served("x", CONTENT)) as server:
        done = CliRunner().invoke(app, ["download", TASK, "--url", server.files, "-o", "-"])
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
        client.download(client.sent(TASK), folder)
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

    def told(_: Request) -> bytes:
        # More and less by turns: that is no progress.
        return answer(200, CONTENT[: next(lengths)], Content_Length="100000", ETag=etag)

    assert len(refused_download(tmp_path, told, Unreachable).requests) == 5


def test_another_content_is_not_put_behind_the_first(tmp_path: Path) -> None:
    def told(request: Request) -> bytes:
        if "range" in request.headers:
            rest = CONTENT[500:]
            return answer(
                206, rest, ETag='"other"', Content_Range=f"bytes 500-{len(CONTENT) - 1}/100000"
            )
        return answer(200, CONTENT[:500], Content_Length="100000", ETag='"e"')

    server = refused_download(tmp_path, told, Unreachable)
    assert server.requests[1].headers["if-range"] == '"e"'


def test_what_has_another_hash_than_the_server_says_is_not_kept(tmp_path: Path) -> None:
    told = answer(200, CONTENT, ETag=f'"{"0" * 64}"')
    assert len(refused_download(tmp_path, lambda _: told, Unreachable).requests) >= 4


# -- the terminal of the user

EVIL = "\x1b]0;owned\x07\x9b31m\u202e\ndone\r\x7f[link=http://evil]x[/link][/nothing]"


def clean(text: str) -> bool:
    return not any(
        (ord(character) < 32 and character != "\n") or 127 <= ord(character) < 160
        or character == "\u202e"
        for character in text
    )  # fmt: skip


def event(**members: object) -> bytes:
    body = f"id: 1\ndata: {json.dumps(members)}\n\n".encode()
    return answer(200, body, Content_Type="text/event-stream")


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("line", "told"),
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
    line: list[str], told: "type[bytes]", flags: list[str]
) -> None:
    with HostileServer(lambda _: told()) as server:
        done = CliRunner().invoke(app, [*line, "--url", server.files, *flags])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert clean(done.output), repr(done.output)
    assert len(done.output.splitlines()) <= 2


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_an_uploads_texts_reach_no_terminal_as_they_are(tmp_path: Path, flags: list[str]) -> None:
    file = tmp_path / "a\x1b[2J\n.bin"
    file.write_bytes(b"0123456789")

    def told(request: Request) -> bytes:
        if request.method == "POST":
            return answer(201, Location="/files/abc")
        if request.method == "PATCH":
            return answer(204, Upload_Offset="10")
        return event(status="completed", progress=100, message=EVIL, oss_path=EVIL)

    with HostileServer(told) as server:
        done = CliRunner().invoke(app, ["upload", str(file), "--url", server.files, *flags])
    assert done.exit_code == 0, done.output
    assert clean(done.output), repr(done.output)


# -- the time and memory of the user


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "told",
    [
        lambda request: answer(204, Upload_Offset="0"),
        lambda request: answer(204, Upload_Offset="11"),
        lambda request: answer(204, Upload_Offset="9" * 5000),
        lambda request: answer(204),
        lambda request: answer(404) if request.method == "HEAD" else answer(503),
        lambda request: answer(503, Retry_After="31536000"),
        lambda request: answer(200, Upload_Offset="5")
        if request.method == "HEAD" else answer(204, Upload_Offset="2"),
        lambda request: answer(200, bytes(4 << 20)),
    ],
    ids=["nothing taken", "too much", "huge", "no offset", "forgets", "a year", "back", "4 MiB"],
)  # fmt: skip
def test_an_upload_that_does_not_move_ends(
    file: Path, tmp_path: Path, kind: str, told: Answering
) -> None:
    def answering(request: Request) -> bytes:
        if request.method == "POST":
            return answer(201, Location="/files/abc")
        found = told(request)
        assert isinstance(found, bytes)
        return found

    with HostileServer(answering) as server:
        with pytest.raises((Refused, Unreachable)):
            upload_by(kind, server.files, file, tmp_path)
        assert len(server.requests) <= 20


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("127.0.0.1:8888/files/", 2),
        ("localhost:8888", 2),
        ("http://127.0.0.1:99999/files/", 2),
        ("http://no-such-host.invalid/files/", 3),
        ("http://127.0.0.1:1/files/", 3),
    ],
)
@pytest.mark.parametrize("command", ["upload", "download", "watch", "tasks"])
def test_what_was_never_reached_is_given_up_soon_and_said(
    file: Path, url: str, code: int, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    named = {"upload": [str(file)], "tasks": []}.get(command, [TASK])
    done = CliRunner().invoke(app, [command, *named, "--url", url])
    assert done.exit_code == code, done.output
    assert sum(waited) <= 10
    assert done.output.startswith("tusd-py: ")
    if "no-such-host" in url:
        assert waited == []


def test_a_task_that_is_not_there_is_said_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    told = answer(404, b'{"detail": "There is no such task."}')
    with HostileServer(lambda _: told) as server:
        done = CliRunner().invoke(app, ["watch", TASK, "--url", server.files])
        assert (done.exit_code, done.output) == (1, "tusd-py: There is no such task.\n")
        assert len(server.requests) <= 4


def test_the_same_state_again_and_again_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with HostileServer(lambda _: event(status="pending", progress=0)) as server:
        done = CliRunner().invoke(app, ["watch", TASK, "--url", server.files])
        assert done.exit_code == 3
        assert len(server.requests) < 70


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"x" * (1 << 20),
        b"data: xxxxxxxx\n" * (1 << 17),
        b"data: [[\n\n",
        b"data: 7\n\n",
    ],
    ids=["one line", "many lines", "no JSON", "a number"],
)
def test_events_that_fill_the_memory_end(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with HostileServer(lambda _: answer(200, body)) as server:
        done = CliRunner().invoke(app, ["watch", TASK, "--url", server.files])
    assert done.exit_code in (1, 3)
    assert done.output.startswith("tusd-py: ")


def test_the_doctors_requests_as_a_stranger_take_no_memory() -> None:
    bomb = answer(200, gzip.compress(bytes(64 << 20)), Content_Encoding="gzip")
    with HostileServer(lambda _: bomb) as server:
        visit = Visit(server.files, origin=None, token=None, clock=SystemClock())
        tracemalloc.start()
        try:
            findings = check_exposure(visit)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
            visit.close()
    assert all(finding.level is Level.OK for finding in findings)
    assert len(server.requests) == 5
