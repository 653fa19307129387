"""A server's first users are made by one command, and each of them sees only their own files."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from support.server import Server, running_server
from support.tokens import SECRET, bearer
from support.tus import TUS, create, post

WITH_SECRET = {"TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_AUTH__REQUIRED": "true"}
NAMED = {
    **WITH_SECRET,
    "TUSD_AUTH__ISSUER": "https://id.example.org",
    "TUSD_AUTH__AUDIENCE": "files",
}


def add(*arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tusd_py", "user", "add", *arguments],
        env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def token_of(*arguments: str) -> str:
    done = add(*arguments, env=NAMED)
    assert done.returncode == 0, done.stderr
    # Standard output is the token alone, so that a shell can store it.
    assert len(done.stdout.split()) == 1
    return done.stdout.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("users")
    with running_server(folder / "data", "--workers", "1", env=NAMED) as running:
        yield running


def test_a_user_made_by_the_command_is_served_and_strangers_and_others_are_not(
    server: Server,
) -> None:
    anna, ben = bearer(token_of("anna")), bearer(token_of("ben", "--expires", "1h"))
    assert post(server, 5, b"hello", filename="a.txt").status_code == 401
    url = create(server, 5, b"hello", headers=anna, filename="a.txt")
    tasks = f"{server.url}/api/file/upload/tasks"
    for address in (url, tasks):
        assert httpx.get(address, headers=TUS).status_code == 401
        assert httpx.get(address, headers={**TUS, **anna}).status_code == 200
    assert httpx.get(url, headers={**TUS, **ben}).status_code == 404
    assert [task["filename"] for task in listed(tasks, anna)] == ["a.txt"]
    assert listed(tasks, ben) == []
    # The same user is added again: a name keeps its number for ever.
    assert [task["filename"] for task in listed(tasks, bearer(token_of("anna")))] == ["a.txt"]


def listed(tasks: str, user: Mapping[str, str]) -> list[dict[str, object]]:
    answer = httpx.get(tasks, headers=dict(user))
    found: list[dict[str, object]] = answer.json()["tasks"]
    return found


def test_a_role_opens_the_operators_page(server: Server) -> None:
    overview = f"{server.url}/api/admin/overview"
    assert httpx.get(overview, headers=bearer(token_of("anna"))).status_code == 403
    operator = bearer(token_of("olga", "--role", "admin"))
    assert httpx.get(overview, headers=operator).status_code == 200


def test_the_command_prints_the_user_and_how_the_token_is_used() -> None:
    done = add("anna", "--tenant", "sales", env=WITH_SECRET)
    for text in ("anna", "number -", "UTC", "TUSD_TOKEN", "Access token", "Authorization: Bearer"):
        assert text in done.stderr
    assert done.stdout.strip() not in done.stderr


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({}, "auth.access_secret is not set"),
        (
            {
                "TUSD_AUTH__JWKS_URL": "https://id.example.org/keys",
                "TUSD_AUTH__UPLOAD_TOKEN_SECRET": SECRET,
            },
            "users are made at the issuer whose keys are at https://id.example.org/keys",
        ),
    ],
)
def test_without_a_secret_it_prints_what_to_do_instead(env: dict[str, str], text: str) -> None:
    done = add("anna", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["", " anna", "0", "a\nb", "a\x1b[2J", "x" * 256])
def test_what_can_be_no_name_is_refused(name: str) -> None:
    done = add(name, env=WITH_SECRET)
    assert (done.returncode, done.stdout) == (2, "")
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "claim", [("--tenant", ""), ("--tenant", "x" * 129), ("--role", ""), ("--role", "x" * 9000)]
)
def test_what_the_server_would_not_take_is_refused(claim: tuple[str, str]) -> None:
    done = add("anna", *claim, env=WITH_SECRET)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("life", ["0s", "soon", "9999999d"])
def test_what_can_be_no_life_is_refused(life: str) -> None:
    done = add("anna", "--expires", life, env=WITH_SECRET)
    assert (done.returncode, done.stdout) == (2, "")


def serve(folder: Path, *flags: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tusd_py", "serve", "--data-dir", str(folder), "--port", "0",
         *flags],
        env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("secret", [{}, {"TUSD_AUTH__ACCESS_SECRET": ""}])
def test_a_deployment_that_demands_identity_does_not_start_without_a_secret(
    tmp_path: Path, secret: dict[str, str]
) -> None:
    for more in ({}, {"TUSD_ALLOW_ANONYMOUS": "true"}):
        done = serve(tmp_path / "data", env={"TUSD_AUTH__REQUIRED": "true", **secret, **more})
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert "auth.access_secret or auth.jwks_url" in done.stderr
    assert not (tmp_path / "data").exists()
