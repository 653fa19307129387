"""The JavaScript of the documents, in pages of a real Chromium on a real server's origin."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.page import bundle, visiting
from support.server import Server, running_server
from support.snippets import snippet
from support.tokens import SECRET, bearer, token
from support.tus import TUS, upload
from support.waiting import wait_until

CONTENT = b"a film, for these pages" * 10_000
GIVEN = """
import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import Tus from '@uppy/tus'
import * as tus from 'tus-js-client'

const endpoint = '/files/'
const say = (text) => document.querySelector('output').append(text, '\\n')
const chosen = new Promise((yes) => {
  const input = document.querySelector('input')
  if (input) input.onchange = () => yes(input.files[0])
})
"""
"""What the pages take as given, and what the steps of a visit need."""
CHOOSE = "<input type=file><output></output>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without authentication, for all tests of this file."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder / "data", "--workers", "1") as running:
        yield running


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    file = tmp_path / "movie.mp4"
    file.write_bytes(CONTENT)
    return file


def visit(server: Server, script: str, body: str, *steps: list[object]) -> None:
    """Open a page with a script on the server's origin, and do the steps."""
    page = f"<!doctype html><meta charset=utf-8>{body}<script type=module src=block.js></script>"
    answers = {
        "/a-page/": {"contentType": "text/html", "body": page},
        "/a-page/block.js": bundle(f"{GIVEN}\n{script}", server.data_dir.parent),
    }
    with visiting(f"{server.url}/a-page/", *steps, answers=answers) as person:
        person.seen()


def newest(server: Server, **headers: str) -> str:
    """Return the address of the newest upload of a user, whose content is that of the file."""

    def task() -> dict[str, Any]:
        answer = httpx.get(f"{server.url}/api/file/upload/tasks", headers=headers)
        found: dict[str, Any] = answer.json()["tasks"][0]
        return found

    wait_until(lambda: task()["status"] == "completed")
    assert task()["filename"] == "movie.mp4"
    address = f"{server.files}{task()['task_id']}"
    assert httpx.get(address, headers={**TUS, **headers}).content == CONTENT
    return address


def test_uppy_with_a_token(tmp_path: Path, movie: Path) -> None:
    block = snippet("docs/clients.md", "new Uppy()")
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        visit(
            server, f"const token = '{token(7)}'\n{block.text}", "<div id=drop></div>",
            ["add", str(movie)], ["press", ".uppy-StatusBar-actionBtn--upload"],
            ["text", ".uppy-StatusBar", "Complete"],
        )  # fmt: skip
        newest(server, **bearer(token(7)))


def test_tus_js_client_follows_the_task(server: Server, movie: Path) -> None:
    block = snippet("docs/clients.md", "const upload = new tus.Upload(")
    script = f"console.log = say\nconst file = await chosen\n{block.text}"
    visit(server, script, CHOOSE, ["choose", "input", str(movie)], ["text", "output", "completed"])
    newest(server)


class TestInstant:
    """The recipes of the page about instant upload, for a file that its owner has stored."""

    HASH = snippet("docs/instant-upload.md", "import { createBLAKE3 }").text

    @pytest.fixture(autouse=True)
    def stored(self, server: Server) -> None:
        server.wait_for_status(upload(server, CONTENT), "completed")

    def check(self, server: Server, movie: Path, script: str) -> None:
        visit(
            server, f"{self.HASH}\n{script}", CHOOSE,
            ["choose", "input", str(movie)], ["text", "output", "sent"],
        )  # fmt: skip
        assert httpx.head(newest(server), headers=TUS).headers["Upload-Instant"] == "1"

    def test_tus_js_client_sends_no_byte(self, server: Server, movie: Path) -> None:
        block = snippet("docs/instant-upload.md", "const upload = new tus.Upload(")
        given = "const file = await chosen\nconst done = (url) => say(`sent ${url}`)"
        self.check(server, movie, f"{given}\n{block.text}\nupload.start()")

    def test_uppy(self, server: Server, movie: Path) -> None:
        block = snippet("docs/instant-upload.md", "const uppy = new Uppy()")
        send = """
            const file = await chosen
            uppy.addFile({ name: file.name, data: file })
            const { successful } = await uppy.upload()
            say(`sent ${successful[0].uploadURL}`)
        """
        self.check(server, movie, f"{block.text}\n{send}")
