"""``tusd-py login`` against a real server: a token is kept, used for its server only, and never shown."""

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile import HostileServer, Request, answer
from support.server import Server, running_server
from support.terminal import PROGRAM, on_a_terminal
from support.tokens import SECRET, token

MINE = token(7)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "1", env=env) as running:
        yield running


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of logins of a new user."""
    for name in ("TUSD_URL", "TUSD_TOKEN", "LC_ALL", "LANG", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "config" / "tusd-py" / "logins.json"


def run(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [PROGRAM, *arguments], input=given, capture_output=True, text=True, timeout=120, check=False
    )
    assert MINE not in done.stdout + done.stderr
    return done


def test_a_token_of_standard_input_is_used_from_then_on(server: Server, kept: Path) -> None:
    done = run("login", server.url, "--with-token", given=f"{MINE}\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"logged in: {server.files}, user 7, until 20")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    listed = run("ls")
    assert (listed.returncode, listed.stderr) == (0, "0 of 0\n")
    status = run("login", "--status", "--json")
    assert {"url": server.files, "user": "7", "in_use": True, "accepted": True}.items() <= (
        json.loads(status.stdout).items()
    )
    assert run("ls", "--token", token(7, secret="x" * 32)).returncode == 1
    assert run("logout").stdout == f"forgotten: {server.files}\n"
    assert run("logout", server.files).returncode == 1
    assert run("ls", "--url", server.files).stderr == (
        f"tusd-py: {server.files} needs a token: tusd-py login {server.files}\n"
    )


def test_a_token_is_typed_unseen(server: Server, kept: Path) -> None:
    screen = on_a_terminal("login", server.files, typed=[("Token for", f"{MINE}\n")])
    assert screen.code == 0, screen.raw
    assert MINE not in screen.raw
    assert f"logged in: {server.files}, user 7" in screen.text
    refused = on_a_terminal("login", typed=[("Token for", "wrong\n")])
    assert refused.code == 1
    assert f"{server.files} does not accept the token" in refused.text
    assert MINE in kept.read_text()


def test_a_token_that_has_expired_is_one_sentence(server: Server, kept: Path) -> None:
    expired = token(7, seconds=-3600)
    run("login", server.files, "--with-token", given=MINE)
    kept.write_text(kept.read_text().replace(MINE, expired))
    sentence = f"the token for {server.files} has expired: tusd-py login {server.files}"
    for command in (["ls"], ["watch", "0" * 32], ["rm", "0" * 32, "--yes"]):
        done = run(*command)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"tusd-py: {sentence}\n")
    status = run("login", "--status")
    assert status.returncode == 1
    assert sentence in status.stdout


@pytest.mark.parametrize("given", ["", "wrong", MINE + "é"])
def test_nothing_is_kept_of_a_token_that_is_refused(server: Server, kept: Path, given: str) -> None:
    done = run("login", server.files, "--with-token", given=given)
    assert done.returncode in (1, 2)
    assert len(done.stderr.splitlines()) == 1
    assert not kept.exists()


def test_a_server_without_users_needs_no_token(tmp_path: Path) -> None:
    with running_server(tmp_path / "open", "--workers", "0") as server:
        done = run("login", server.url)
        assert done.stdout == f"logged in: {server.files}, without a token\n", done.stderr
        assert run("ls").returncode == 0


def test_a_token_goes_to_no_other_server(server: Server) -> None:
    assert run("login", server.files, "--with-token", given=MINE).returncode == 0
    with HostileServer(lambda _: answer(200, b'{"tasks": []}')) as other:
        assert run("ls", "--url", other.files).returncode == 0
        elsewhere = f"{other.origin}/api/file/upload/tasks"
        redirecting = HostileServer(
            lambda _: answer(302, Tus_Resumable="1.0.0", Location=elsewhere)
        )
        with redirecting as first:
            assert run("login", first.files, "--with-token", given=MINE).returncode == 1
        assert MINE in str(first.requests)
    assert other.requests
    assert MINE not in str(other.requests)


def test_the_token_of_the_environment_is_for_the_server_that_is_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostileServer(lambda _: answer(200, b'{"tasks": []}', Tus_Resumable="1.0.0")) as other:
        assert run("login", other.files).returncode == 0
        monkeypatch.setenv("TUSD_TOKEN", MINE)
        for command in (["ls"], ["login", "--status"], ["rm", "0" * 32, "--yes"]):
            refused = run(*command)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert f"and the last login is to {other.files}: name the server" in refused.stderr
        assert run("ls", "--url", server.files).stderr == "0 of 0\n"
        monkeypatch.setenv("TUSD_URL", server.files)
        assert run("ls").stderr == "0 of 0\n"
        assert run("ls", "--url", server.files.removesuffix("/")).stderr == "0 of 0\n"
        for command in (["ls", "--url"], ["login", "--status"], ["doctor", "--url"]):
            run(*command, other.files)
        assert len(other.requests) > 4
        assert MINE not in str(other.requests)
        run("ls", "--url", other.files, "--token", MINE)
        assert MINE in str(other.requests[-1])


def test_what_is_no_server_is_not_kept(kept: Path) -> None:
    assert run("login", "http://user:canary@127.0.0.1:1/").returncode == 2
    assert run("login", "http://127.0.0.1:1/").returncode == 3
    with HostileServer(lambda _: answer(200, b"a page")) as page:
        done = run("login", page.origin)
    assert done.returncode == 1
    assert "is no tus endpoint, it answered 200" in done.stderr
    assert not kept.exists()


def test_a_damaged_file_is_named(server: Server, kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text("{")
    for command in (["ls"], ["login", server.files, "--with-token"], ["logout"]):
        done = run(*command, given=MINE)
        assert done.returncode == 2
        assert done.stderr == f"tusd-py: {kept} is damaged: remove it and log in again\n"


def test_the_address_of_the_page_is_one_of_the_server(server: Server, tmp_path: Path) -> None:
    """All commands find the endpoint below it, and send the token there only."""
    file = tmp_path / "a.txt"
    file.write_text("content")
    here = ("--url", server.url, "--token", MINE)
    sent = json.loads(run("upload", str(file), *here, "--json").stdout.splitlines()[-1])
    assert sent["url"].startswith(server.files)
    for command in (["ls"], ["watch", sent["task_id"]], ["renditions", sent["task_id"]]):
        done = run(*command, *here)
        assert done.returncode == 0, done.stderr
    assert run("share", sent["task_id"], *here).stdout.startswith(f"{server.url}/s/")
    assert run("download", sent["task_id"], "-o", "-", *here).stdout == "content"
    assert run("rm", sent["task_id"], "--yes", *here).returncode == 0
    assert run("ls", *here).stderr == "0 of 0\n"
    needs = f"tusd-py: {server.files} needs a token: tusd-py login {server.files}\n"
    assert run("ls", "--url", server.url).stderr == needs


def test_a_kept_token_is_for_the_address_of_the_page_too(server: Server) -> None:
    assert run("login", server.files, "--with-token", given=MINE).returncode == 0
    assert run("ls", "--url", server.url).stderr == "0 of 0\n"
    assert run("logout", server.url).stdout == f"forgotten: {server.files}\n"


def test_the_token_of_the_environment_is_for_one_origin(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endpoint(request: Request) -> bytes:
        found = {"Tus_Resumable": "1.0.0"} if request.target != "/" else {}
        return answer(200, b'{"tasks": []}', **found)

    monkeypatch.setenv("TUSD_TOKEN", MINE)
    with HostileServer(endpoint) as other:
        monkeypatch.setenv("TUSD_URL", server.url)
        assert run("ls").stderr == "0 of 0\n"
        assert run("ls", "--url", server.files).stderr == "0 of 0\n"
        for address in (other.origin, other.files):
            assert run("ls", "--url", address).returncode == 0
        monkeypatch.setenv("TUSD_URL", other.origin)
        assert run("ls", "--url", server.url).returncode == 1
        assert MINE not in str(other.requests)
        assert run("ls").returncode == 0
        assert [MINE in str(request) for request in other.requests[-3:]] == [False, False, True]
        assert run("doctor", "--url", other.origin).returncode == 1
        assert ("POST", "/files/") in {(one.method, one.target) for one in other.requests}


def test_a_page_without_an_endpoint_is_named_by_all_commands() -> None:
    commands = ("ls", "download 1", "rm 1 --yes", "share 1", "upload pyproject.toml", "watch 1")
    with HostileServer(lambda _: answer(200, b"a page")) as page:
        for command in commands:
            done = run(*command.split(), "--url", page.origin, "--token", MINE)
            assert (done.returncode, done.stdout) == (1, "")
            assert f"{page.origin}/ is no tus endpoint, it answered 200" in done.stderr
    assert MINE not in str(page.requests)
    assert {request.method for request in page.requests} == {"OPTIONS"}
