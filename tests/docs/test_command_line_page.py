"""What docs/command-line.md shows of ``--json`` is printed, member by member."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.server import Server, running_server
from support.snippets import snippet
from support.terminal import PROGRAM
from support.tokens import SECRET, bearer, token
from support.tus import upload

Objects = list[dict[str, Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "1", env=env) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUSD_URL", server.files)
    monkeypatch.setenv("TUSD_TOKEN", token(7))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)


def printed(*arguments: str, code: int = 0) -> Objects:
    done = subprocess.run(
        [PROGRAM, *arguments, "--json"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def shown(text: str) -> Objects:
    return [json.loads(line) for line in text.splitlines()]


def check(example: dict[str, Any], got: dict[str, Any]) -> None:
    """Check that an object has the members of an example, with values of their types."""
    assert example.keys() <= got.keys()
    for name, value in example.items():
        assert type(got[name]) is type(value), (name, got[name])


def test_each_object_has_the_members_that_the_page_shows(server: Server, tmp_path: Path) -> None:
    (tmp_path / "movie.mp4").write_bytes(b"not a film")
    hashing, sending, state, unfollowed, failure = shown(
        snippet("docs/command-line.md", '{"file": "movie.mp4", "hashed"').text
    )
    objects = printed("upload", "movie.mp4", "missing.mp4", code=1)
    check(sending, next(one for one in objects if "offset" in one))
    # A small file is hashed within the second after which there would be a line.
    assert hashing.keys() - {"hashed"} == sending.keys() - {"offset"}
    for one in objects:
        if "status" in one:
            check(state, one)
    check(failure, next(one for one in objects if "error" in one))
    assert failure["error"] in [one.get("error") for one in objects]
    (tmp_path / "movie.mp4").write_bytes(b"another film")
    check(unfollowed, printed("upload", "movie.mp4", "--no-follow")[-1])

    task = upload(server, b"some text", "a.txt", headers=bearer(token(7)))
    (watched,) = shown(
        snippet(
            "docs/command-line.md", '{"task_id": "19054cbe958adc5f76581cb23c6693de", "status"'
        ).text
    )
    check(watched, printed("watch", task)[-1])
    (rendition,) = shown(snippet("docs/command-line.md", '{"name": "original"').text)
    check(rendition, printed("renditions", task)[0])
    (file,) = shown(
        snippet(
            "docs/command-line.md", '{"task_id": "19054cbe958adc5f76581cb23c6693de", "filename"'
        ).text
    )
    check(file, printed("ls")[0])

    link, revoked = shown(snippet("docs/command-line.md", '{"id": "aed5e4f5bb1129d6bb271a46"').text)
    made = printed("share", task, "--once")[0]
    check(link, made)
    check(link, printed("share", "--list", task)[0])
    assert printed("share", "--revoke", made["id"]) == [{**revoked, "id": made["id"]}]
    (login,) = shown(snippet("docs/command-line.md", '{"url": "https://uploads').text)
    (status,) = printed("login", "--status")
    assert status.keys() == login.keys()
    check(login, status)
    deleted, absent = shown(snippet("docs/command-line.md", '{"id": "19054cbe"').text)
    objects = printed("rm", task, "00000000", "--yes", code=1)
    assert [one.keys() for one in objects] == [deleted.keys(), absent.keys()]
    check(deleted, objects[0])
    assert objects[1] == absent
