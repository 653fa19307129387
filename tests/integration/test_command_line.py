"""``tusd-py upload`` and its siblings: names, terminals, certificates and troubles of one file."""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile import HostileServer, Request, answer, event
from support.hostile_clients import TASK
from support.nginx import Nginx
from support.server import Server
from typer.testing import CliRunner

from tusd_py.cli.main import application

PROGRAM = Path(__file__).parents[2] / ".venv/bin/tusd-py"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def run(*arguments: str | bytes, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(PROGRAM), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **env},
    )


class Uploads:
    """Takes uploads of any length as tus servers do; their tasks are completed at once."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, bytes]] = []
        self.contents: list[bytes] = []

    def __call__(self, request: Request) -> bytes:
        if request.method == "POST":
            pairs = (pair.split(" ") for pair in request.headers["upload-metadata"].split(","))
            self.metadata.append({key: base64.b64decode(value) for key, value in pairs})
            self.contents.append(b"")
            return answer(201, Location=f"/files/{len(self.contents) - 1}")
        if request.method == "PATCH":
            number = int(request.target.rpartition("/")[2])
            self.contents[number] += request.body
            return answer(204, Upload_Offset=str(len(self.contents[number])))
        return event(status="completed", progress=100, message="")


def named(names: list[bytes]) -> list[bytes]:
    for name in names:
        Path(os.fsdecode(name)).write_bytes(b"content of " + name)
    return names


def test_names_that_are_no_utf8_are_sent_with_all_others(server: Server) -> None:
    names = named([b"one.bin", b"bad\xff\xe9.bin", "視\u202fPM.bin".encode(), b"two\x1b[2J\n.bin"])
    done = run("upload", *names, "--url", server.files, "--json", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0, done.stdout + done.stderr
    states = [json.loads(line) for line in done.stdout.splitlines()]
    completed = [state for state in states if state.get("status") == "completed"]
    assert {os.fsencode(state["file"]) for state in completed} == set(names)
    listed = run("tasks", "--url", server.files, PYTHONIOENCODING="ascii")
    assert listed.returncode == 0, listed.stderr
    assert "\\u001b" in listed.stdout
    assert "\x1b" not in listed.stdout


def test_a_name_arrives_byte_for_byte() -> None:
    names, uploads = named([b"bad\xff\xe9.bin", b"[red]name[link=x].bin"]), Uploads()
    with HostileServer(uploads) as server:
        done = run("upload", *names, "--url", server.files)
    assert done.returncode == 0, done.stderr
    assert [metadata["filename"] for metadata in uploads.metadata] == names
    assert "[red]name[link=x].bin: completed" in done.stdout


def test_the_next_file_is_sent_while_the_one_before_is_processed() -> None:
    uploads, second_arrived = Uploads(), threading.Event()

    def answering(request: Request) -> bytes:
        taken = uploads(request)
        if request.method == "PATCH" and request.target.endswith("/1"):
            second_arrived.set()
        if request.method == "GET" and not second_arrived.wait(60):
            return answer(400, b'{"detail": "the second file did not arrive"}')
        return taken

    named([b"a", b"b"])
    with HostileServer(answering) as server:
        done = CliRunner().invoke(application(), ["upload", "a", "b", "--url", server.files])
    assert done.exit_code == 0, done.output


def test_the_trouble_of_one_file_is_its_own(folder: Path) -> None:
    named([b"a", b"z"])
    (folder / ("n" * 255)).symlink_to("m" * 255)
    sources = ["a", "nothing", "n" * 300, "/proc/self/status", "z"]
    uploads = Uploads()
    with HostileServer(uploads) as server:
        done = CliRunner().invoke(
            application(), ["upload", *sources, "--url", server.files, "--json"]
        )
    assert done.exit_code == 1
    states = [json.loads(line) for line in done.output.splitlines()]
    failed = {state["file"]: state["error"] for state in states if "error" in state}
    assert list(failed) == ["nothing", "n" * 300, "/proc/self/status"]
    assert failed["n" * 300] == "File name too long"
    assert uploads.contents == [b"content of a", b"content of z"]


def test_programs_get_the_sentences_of_the_readers_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named([b"a", b"b"])
    uploads = Uploads()

    def answering(request: Request) -> bytes:
        return answer(502) if request.method == "POST" and uploads.contents else uploads(request)

    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with HostileServer(answering) as server:
        line = ["upload", "a", "b", "--url", server.files, "--json", "--no-follow"]
        done = CliRunner().invoke(application(), [*line, "--retries", "0"])
    assert done.exit_code == 3
    failed = next(state for state in map(json.loads, done.stdout.splitlines()) if "error" in state)
    assert failed["file"] == "b"
    assert failed["error"] == "服务器返回 502"


def test_a_pipe_is_sent_to_its_end(folder: Path) -> None:
    content, uploads = os.urandom(3_000_000), Uploads()
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    with HostileServer(uploads) as server:
        done = CliRunner().invoke(application(), ["upload", "pipe", "--url", server.files])
    writer.join(60)
    assert done.exit_code == 0, done.output
    assert uploads.contents == [content]
    assert uploads.metadata[0]["filename"] == b"pipe"


def test_a_server_that_never_answers_is_named_once(folder: Path) -> None:
    named([b"a", b"b", b"c"])
    done = run("upload", "a", "b", "c", TUSD_URL="http://user:canary@127.0.0.1:1/files/")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        "tusd-py: http://127.0.0.1:1/files/ can't be reached (no server answers there: Connection "
        "refused); the same command goes on later\n"
    )


def test_a_stream_is_not_said_to_go_on() -> None:
    line = ["upload", "-", "--url", "http://127.0.0.1:1/files/"]
    done = CliRunner().invoke(application(), line, input=b"content")
    assert done.exit_code == 3
    assert done.output.endswith("Connection refused)\n")


def test_after_a_server_has_gone_each_file_is_named_soon() -> None:
    uploads = Uploads()
    named([b"a", b"b", b"c"])

    def answering(request: Request) -> bytes:
        taken = uploads(request)
        if request.method == "PATCH":
            server.close()
        return taken

    with HostileServer(answering) as server:
        line = ["upload", "a", "b", "c", "--url", server.files, "--retries", "1", "--no-follow"]
        done = CliRunner().invoke(application(), line)
    assert done.exit_code == 3
    for name in ("b", "c"):
        assert f"tusd-py: {name}: no server answers there: Connection refused" in done.output
    assert done.output.count("trying again") == 1


@pytest.mark.parametrize("key", ["", "a b", "a,b", "ключ", "a\nb"])
@pytest.mark.parametrize("address", ["http://127.0.0.1:1/files/"])
def test_a_key_of_metadata_is_checked_before_anything_is_sent(key: str, address: str) -> None:
    done = CliRunner().invoke(
        application(), ["upload", "a", "--url", address, "--metadata", f"{key}=1"]
    )
    assert done.exit_code == 2
    assert "printable ASCII" in done.output


COMMANDS = [["upload", "a"], ["tasks"], ["watch", TASK], ["renditions", TASK], ["download", TASK]]


@pytest.mark.parametrize("command", [*COMMANDS, ["doctor"]])
@pytest.mark.parametrize("token", ["canary-é", "canary-a b", "canary-\n-b"])
def test_a_token_that_no_header_can_have_is_refused_and_not_shown(
    command: list[str], token: str
) -> None:
    named([b"a"])
    line = [*command, "--url", "http://127.0.0.1:1/files/", "--token", token]
    done = CliRunner().invoke(application(), line)
    assert (done.exit_code, done.output) == (
        2,
        "tusd-py: --token: the token must consist of printable ASCII without spaces\n",
    )


def test_the_end_of_a_line_is_no_part_of_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSD_TOKEN", "canary\r\n")
    with HostileServer(lambda _: answer(200, b'{"tasks": []}')) as server:
        assert CliRunner().invoke(application(), ["tasks", "--url", server.files]).exit_code == 0
    assert server.requests[0].headers["authorization"] == "Bearer canary"


@pytest.mark.parametrize("command", [*COMMANDS, ["doctor"]])
@pytest.mark.parametrize("url", ["127.0.0.1:8888", "http://a\nb/", "http://[::1", "", "ftp://a/"])
def test_a_text_that_is_no_address_is_refused(command: list[str], url: str) -> None:
    named([b"a"])
    done = CliRunner().invoke(application(), [*command, "--url", url])
    assert done.exit_code == 2
    assert done.output.startswith("tusd-py: --url ")
    assert len(done.output.splitlines()) == 1


@pytest.fixture
def nginx(server: Server) -> Iterator[Nginx]:
    started = Nginx(server.port)
    started.start()
    yield started
    started.kill()


@pytest.mark.parametrize("command", [["upload", "a"], ["tasks"], ["watch", TASK], ["doctor"]])
def test_a_certificate_is_trusted_by_an_option_alone(nginx: Nginx, command: list[str]) -> None:
    named([b"a"])
    line = [*command, "--url", f"{nginx.url}/files/"]
    refused = CliRunner().invoke(application(), line)
    assert "certificate" in refused.output
    assert refused.exit_code == (1 if command == ["doctor"] else 3)
    for option in (["--cacert", str(nginx.certificate)], ["--insecure"]):
        done = CliRunner().invoke(application(), [*line, *option])
        assert "can't be reached" not in done.output
        assert "certificate" not in done.output
        assert "tls" in done.output or command != ["doctor"]


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_a_file_of_no_certificates_is_refused(folder: Path, content: bytes | None) -> None:
    if content is not None:
        (folder / "ca.pem").write_bytes(content)
    done = CliRunner().invoke(application(), ["tasks", "--cacert", "ca.pem"])
    assert done.exit_code == 2
    assert done.output.startswith("tusd-py: --cacert ca.pem: ")


def test_an_interrupted_upload_says_how_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tusd_py.cli.sending.send_files", interrupt)
    named([b"a"])
    done = CliRunner().invoke(application(), ["upload", "a"])
    assert "tusd-py: stopped; the same command goes on later" in done.output
