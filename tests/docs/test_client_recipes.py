"""The recipes for clients, run as the pages have them, against real servers."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import blake3
import httpx
import pytest
from support.raw_http import connected
from support.required import needs_programs
from support.server import Server, running_server
from support.snippets import Snippet, python_process, snippet
from support.tokens import SECRET, bearer, token
from support.tus import TUS, metadata, task_id, upload
from support.waiting import wait_until

MINE = token(7)
CONTENT = b"a film, for these clients" * 10_000


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that demands a token."""
    folder = tmp_path_factory.mktemp("guarded")
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(folder / "data", "--workers", "1", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without authentication."""
    folder = tmp_path_factory.mktemp("open")
    with running_server(folder / "data", "--workers", "1") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the file that the recipes send."""
    (tmp_path / "movie.mp4").write_bytes(CONTENT)
    return tmp_path


def tasks(server: Server, **headers: str) -> list[dict[str, Any]]:
    """Return the tasks of a user, the newest first."""
    answer = httpx.get(f"{server.url}/api/file/upload/tasks", headers=headers)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["tasks"]
    return found


def newest(server: Server, **headers: str) -> dict[str, Any]:
    """Return the newest task of a user once it has ended; its content is that of the file."""
    wait_until(lambda: tasks(server, **headers)[0]["status"] in ("completed", "failed"))
    task = tasks(server, **headers)[0]
    assert task["status"] == "completed"
    stored = httpx.get(f"{server.files}{task['task_id']}", headers={**TUS, **headers})
    assert stored.content == CONTENT
    return task


@pytest.mark.parametrize(
    "block",
    [
        snippet("docs/clients.md", "from tusclient import client"),
        snippet("docs/clients.md", "import aiotus"),
    ],
    ids=["tuspy", "aiotus"],
)
def test_a_foreign_client_sends_the_file(guarded: Server, folder: Path, block: Snippet) -> None:
    before = len(tasks(guarded, **bearer(MINE)))
    python_process(block, at=guarded.url, folder=folder, token=MINE)
    assert len(tasks(guarded, **bearer(MINE))) == before + 1
    assert newest(guarded, **bearer(MINE))["filename"] == "movie.mp4"


def test_our_client_sends_the_file_and_a_stream(guarded: Server, folder: Path) -> None:
    block = snippet("docs/clients.md", "from pathlib import Path")
    said = python_process(block, at=guarded.url, folder=folder, sent=b"a dump", token=MINE)
    assert said == "completed\n"
    dump = tasks(guarded, **bearer(MINE))[0]
    assert dump["filename"] == "dump.sql"
    address = f"{guarded.files}{dump['task_id']}"
    wait_until(lambda: tasks(guarded, **bearer(MINE))[0]["status"] == "completed")
    assert httpx.get(address, headers={**TUS, **bearer(MINE)}).content == b"a dump"


def test_our_client_follows_the_task(open_server: Server, folder: Path) -> None:
    block = snippet("docs/using.md", "from pathlib import Path")
    said = python_process(block, at=open_server.url, folder=folder)
    assert said.splitlines()[-1] == "completed 100"
    newest(open_server)


def shell(block: Snippet, server: Server, folder: Path) -> str:
    """Run a block in a shell and return what it prints."""
    done = subprocess.run(
        ["sh", "-e", "-c", block.at(server.url)], cwd=folder,
        env={**os.environ, "endpoint": server.files},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_programs("curl")
@pytest.mark.parametrize(
    "block",
    [
        snippet("docs/clients.md", "curl -F"),
        snippet("docs/clients.md", "url=$(curl"),
        snippet("docs/clients.md", "curl -s -D head.txt"),
    ],
    ids=["by a form", "by tus", "by the draft"],
)
def test_curl_sends_the_file(open_server: Server, folder: Path, block: Snippet) -> None:
    before = len(tasks(open_server))
    shell(block, open_server, folder)
    assert len(tasks(open_server)) == before + 1
    assert newest(open_server)["filename"] == "movie.mp4"


@needs_programs("curl")
def test_curl_resumes_by_the_draft(open_server: Server, folder: Path) -> None:
    """A first request has sent a part of the file, and its address by a 104."""
    half = len(CONTENT) // 2
    fields = {"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?1"}
    named = {"Content-Disposition": "inline; filename=movie.mp4", "Content-Length": len(CONTENT)}
    with connected(open_server.url) as connection:
        connection.send(connection.plain("POST", open_server.files, **fields, **named))
        url = connection.answer().headers["location"]
        connection.send(CONTENT[:half])
        progress = f"{open_server.url}/api/file/upload/progress/{task_id(url)}"
        wait_until(lambda: httpx.get(progress).json().get("offset") == half)
    (folder / "head.txt").write_text(f"HTTP/1.1 104 \r\nlocation: {url}\r\n\r\n")
    shell(snippet("docs/clients.md", "url=$(tr -d"), open_server, folder)
    assert newest(open_server)["filename"] == "movie.mp4"
    assert tasks(open_server)[0]["task_id"] == task_id(url)


class TestInstant:
    """The recipes of the page about instant upload, for a file that its owner has stored."""

    @pytest.fixture(autouse=True)
    def stored(self, open_server: Server) -> None:
        open_server.wait_for_status(upload(open_server, CONTENT), "completed")

    def is_instant(self, server: Server, address: str) -> bool:
        return httpx.head(address, headers=TUS).headers.get("Upload-Instant") == "1"

    def test_a_request_and_its_answer(self, open_server: Server) -> None:
        block = snippet("docs/instant-upload.md", "POST /files/ HTTP/1.1")
        request, answer = (part.splitlines() for part in block.text.split("\n\n"))
        shown = dict(line.split(": ") for line in answer[1:])
        sent = dict(line.split(": ") for line in request[1:])
        assert sent["Upload-Length"] == shown["Upload-Offset"]
        sent["Upload-Length"] = str(len(CONTENT))
        name, _ = sent["Upload-Metadata"].split(",")
        declared = metadata(filehash=f"blake3:{blake3.blake3(CONTENT).hexdigest()}")
        sent["Upload-Metadata"] = f"{name},{declared}"
        got = httpx.post(open_server.files, headers=sent)
        assert answer[0] == f"HTTP/1.1 {got.status_code} {got.reason_phrase}"
        assert set(shown) <= {name.title() for name in got.headers}
        assert got.headers["Upload-Instant"] == shown["Upload-Instant"]
        assert got.headers["Upload-Offset"] == str(len(CONTENT))

    def test_tuspy_after_a_creation_of_ones_own(self, open_server: Server, folder: Path) -> None:
        block = snippet("docs/instant-upload.md", "made = httpx.post(")
        given = Snippet(
            block.page, "python",
            "import base64, blake3, httpx\nfrom tusclient import client\n"
            "base64_of = lambda text: base64.b64encode(text.encode()).decode()\n"
            "content = open(path, 'rb').read()\nsize = len(content)\n"
            "digest = blake3.blake3(content).hexdigest()\n",
        )  # fmt: skip
        shown = Snippet(block.page, "python", "print(made.headers['Location'])")
        address = python_process(
            given, block, shown, at=open_server.url, folder=folder,
            endpoint=open_server.files, path="movie.mp4",
        )  # fmt: skip
        assert self.is_instant(open_server, address.strip())

    def test_tuspy_and_aiotus(self, open_server: Server, folder: Path) -> None:
        block = snippet("docs/instant-upload.md", "from blake3 import blake3")
        given = Snippet(block.page, "python", "import aiotus\nfrom tusclient import client")
        python_process(
            given, block, at=open_server.url, folder=folder,
            endpoint=open_server.files, path="movie.mp4", name="movie.mp4",
        )  # fmt: skip
        for task in tasks(open_server)[:2]:
            assert task["filename"] == "movie.mp4"
            assert self.is_instant(open_server, f"{open_server.files}{task['task_id']}")

    @needs_programs("curl", "b3sum")
    def test_curl(self, open_server: Server, folder: Path) -> None:
        said = shell(snippet("docs/instant-upload.md", "hash=$(b3sum"), open_server, folder)
        lines = dict(line.split(": ") for line in said.lower().splitlines())
        assert lines["upload-instant"] == "1"
        assert self.is_instant(open_server, lines["location"])
