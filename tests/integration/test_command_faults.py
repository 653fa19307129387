"""Every command of users and operators, and what can go wrong with it: one sentence and an exit code."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from support.hostile import HostileServer, Request, answer
from support.server import Server, running_server
from support.terminal import PROGRAM
from support.tokens import SECRET, bearer, token
from support.tus import upload

from tusd_py.cli.main import application, run

TASK = "0" * 32
USERS = [
    ["ls"], ["upload", "a.txt"], ["watch", TASK], ["download", TASK, "-o", "new"],
    ["renditions", TASK], ["rm", TASK, "--yes"], ["share", TASK],
]  # fmt: skip
COMMANDS = sorted(typer.main.get_command(application()).commands)  # type: ignore[attr-defined]
Ran = tuple[int, str, str]
Running = Callable[..., Ran]


@pytest.fixture
def ran(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Running:
    """Return a function that runs a command line in this process."""
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_bytes(b"content")
    for name in ("TUSD_URL", "TUSD_TOKEN", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run_line(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tusd-py", *arguments])
        code = run(typer.main.get_command(application()))
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run_line


def is_a_sentence(text: str) -> bool:
    return text.startswith("tusd-py") and text.count("\n") == 1 and text.endswith("\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_option_is_named(ran: Running, command: str) -> None:
    code, out, err = ran(command, "--nonsense")
    assert (code, out) == (2, "")
    assert err.startswith(f"tusd-py {command}: No such option: --nonsense")
    assert err.endswith(f"; see tusd-py {command} --help\n")
    assert is_a_sentence(err)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["upload"], "tusd-py upload: Missing argument"),
        (["ls", "--size", "0"], "tusd-py ls: Invalid value for '--size'"),
        (["nonsense"], "tusd-py: No such command 'nonsense'"),
        (["ls", "--state"], "tusd-py: Option '--state' requires an argument"),
        (["ls", "--state", "done"], "tusd-py ls: Invalid value for '--state'"),
        (["ls", "--from", "yesterday"], "tusd-py: --from yesterday: must be a date or a time"),
        (["ls", "--before", "0001-01-01"], "tusd-py: --before 0001-01-01: must be a date"),
        (["watch", "a.txt"], "tusd-py: a.txt is no id of a file"),
        (["serve", "--max-size", "x"], "tusd-py: --max-size"),
        (["doctor", "--config", "none.yaml"], "tusd-py: none.yaml"),
        (["token", "--user", "1"], "tusd-py: auth.access_secret is not set"),
    ],
)
def test_wrong_usage_is_one_sentence(ran: Running, line: list[str], sentence: str) -> None:
    code, out, err = ran(*line)
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
    assert is_a_sentence(err)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "0", env=env) as running:
        yield running


@pytest.mark.parametrize("command", USERS, ids=lambda line: line[0])
def test_what_a_server_refuses_is_one_sentence(
    ran: Running, server: Server, command: list[str]
) -> None:
    at = [*command, "--url", server.files]
    for given, sentence in (
        ([], f"{server.files} needs a token: tusd-py login {server.files}\n"),
        (["--token", token(7, secret="x" * 32)], "does not accept the token"),
        (["--token", token(7, seconds=-3600)], f"the token for {server.files} has expired"),
    ):
        code, out, err = ran(*at, *given)
        assert (code, out) == (1, "")
        assert sentence in err
        assert is_a_sentence(err), err
    if TASK in command:
        code, out, err = ran(*at, "--token", token(7))
        assert (code, out) == (1, "")
        assert is_a_sentence(err), err


@pytest.mark.parametrize("command", [*USERS, ["login"]], ids=lambda line: line[0])
def test_a_server_that_is_away_is_one_sentence(ran: Running, command: list[str]) -> None:
    url = "http://127.0.0.1:1/files/"
    at = [url] if command == ["login"] else ["--url", url]
    code, out, err = ran(*command, *at)
    assert (code, out) == (3, "")
    assert err.startswith(f"tusd-py: {url} can't be reached (no server answers there")
    assert is_a_sentence(err)


def process(*arguments: str, shell: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command in a process. Args: shell: what follows the command in a line of bash."""
    command = [str(PROGRAM), *arguments]
    if shell:
        line = " ".join(f"'{word}'" for word in command)
        command = ["bash", "-c", f"{line} {shell}; exit ${{PIPESTATUS[0]}}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("shell", ["> /dev/full", "| true"])
@pytest.mark.parametrize("command", ["ls", "watch", "upload", "config"])
def test_output_that_can_not_be_written_is_no_traceback(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, shell: str
) -> None:
    monkeypatch.setenv("TUSD_TOKEN", token(7))
    monkeypatch.setenv("TUSD_URL", server.files)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "a.txt").write_bytes(b"content")
    task = upload(server, b"content", headers=bearer(token(7)))
    more = {"watch": [task], "upload": [str(tmp_path / "a.txt"), "--no-follow"], "config": ["show"]}
    done = process(command, *more.get(command, []), shell=shell)
    assert done.returncode == 1
    full = [line for line in done.stderr.splitlines() if line.endswith("No space left on device")]
    # What the command says of itself, such as a number of files, is no fault.
    assert len(full) == (shell == "> /dev/full"), done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("command", [*USERS, ["login"]], ids=lambda line: line[0])
def test_a_command_that_is_interrupted_says_how_it_goes_on(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "a.txt").write_bytes(b"content")
    requested, ended = threading.Event(), threading.Event()

    def silent(_: Request) -> bytes:
        requested.set()
        ended.wait(60)
        return answer(503)

    with HostileServer(silent) as server:
        at = [server.files] if command == ["login"] else ["--url", server.files]
        with subprocess.Popen(
            [str(PROGRAM), *command, *at], cwd=tmp_path, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as running:  # fmt: skip
            assert requested.wait(60)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
        ended.set()
    assert (running.returncode, out) == (130, "")
    says = {"upload": "goes on later", "watch": "tusd-py watch", "download": "begins again"}
    assert says.get(command[0], "") in err
    assert err == "" or is_a_sentence(err)


def test_an_address_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = process("serve", "--port", str(port), "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "address already in use" in done.stderr.lower()
    assert is_a_sentence(done.stderr), done.stderr


def test_a_folder_that_can_not_be_written_is_named(
    ran: Running, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ["--url", server.files, "--token", token(7)]
    assert ran("download", TASK, "-o", "a.txt", *at)[0] == 1
    assert Path("a.txt").read_bytes() == b"content"
    monkeypatch.setenv("XDG_STATE_HOME", "/proc")
    code, _, err = ran("upload", "a.txt", *at)
    assert (code, err) == (1, "tusd-py: a.txt: /proc/tusd-py: No such file or directory\n")
