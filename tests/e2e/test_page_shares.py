"""Links for receivers in a real Chromium: their owner makes them, a receiver opens them."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.media import video
from support.page import visiting
from support.server import STILLS, Server, running_server
from support.tus import upload

API = "/api/file/upload/shares"
DIALOG = "dialog.shares"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_MEDIA__PRESET": "ultrafast", **STILLS}
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "1", env=env) as running:
        yield running


def stored(server: Server, content: bytes, name: str) -> str:
    task = upload(server, content, name)
    server.wait_for_status(task, "completed")
    return task


def link(server: Server, task: str, **members: object) -> str:
    made = httpx.post(f"{server.url}{API}/{task}", json=members)
    url: str = made.json()["url"]
    return url


def test_an_owner_makes_copies_and_revokes_links(server: Server) -> None:
    task = stored(server, os.urandom(900), "report.zip")
    held = link(server, task)
    with visiting(
        f"{server.url}/",
        # A second click opens no second dialog.
        ["named", "button", "Link report.zip"],
        ["script", "document.querySelector('#tasks .share').click()"],
        ["there", f"{DIALOG} li"], ["accessible"],
        # By the keyboard: from the first field to the number of downloads, and on.
        ["key", "Tab"], ["key", "ArrowDown"], ["key", "ArrowDown"], ["fill", "[name=most]", "2"],
        ["fill", f"{DIALOG} [name=password]", "rain"], ["key", "Enter"],
        ["text", DIALOG, "0 of 2 downloads used · with a password"], ["focused", "Copy"],
        ["key", "Enter"], ["text", DIALOG, "The link is copied."],
        # Over plain HTTP there is no clipboard for pages.
        ["script", "delete Navigator.prototype.clipboard"],
        ["press", f"{DIALOG} li:last-child .copy"], ["text", DIALOG, "The link is copied."],
        ["script", "document.activeElement.parentNode.querySelector('input').value"],
        ["press", f"{DIALOG} li:last-child .revoke"], ["text", DIALOG, "The link is revoked."],
        ["script", f"document.querySelectorAll('{DIALOG} li').length"],
        ["script", "innerWidth - document.documentElement.scrollWidth >= 0"],
        ["key", "Escape"], ["without", DIALOG], ["focused", "Link report.zip"],
        ["language", "zh"], ["named", "button", "链接 report.zip"], ["text", DIALOG, "需要密码"],
        ["accessible"],
        context={
            "viewport": {"width": 320, "height": 640},
            "permissions": ["clipboard-read", "clipboard-write"],
        },
    ) as visit:  # fmt: skip
        seen = visit.seen()
    assert [step["violations"] for step in seen if "violations" in step] == [[], []]
    found = [step["returned"] for step in seen if "returned" in step]
    assert found == [True, held, 1, True]
    assert httpx.get(held).status_code == 410
    (left,) = httpx.get(f"{server.url}{API}", params={"task_id": task}).json()["shares"]
    assert (left["downloads"], left["has_password"]) == (2, True)
    got = httpx.get(f"{left['url']}/download", auth=("", "rain"))
    assert len(got.content) == 900


def test_a_receiver_opens_plays_and_downloads(server: Server, tmp_path: Path) -> None:
    film = video(tmp_path / "film.mp4", seconds=2).read_bytes()
    task = stored(server, film, "海边.mp4")
    url = link(server, task, downloads=1, password="密码")
    with visiting(
        url,
        ["accessible"],
        ["fill", "#password", "no"], ["press", ".go"], ["text", "#why", "密码错误"],
        ["fill", "#password", "密码"], ["press", ".go"], ["text", "h1", "海边.mp4"],
        ["text", "main", "剩余下载次数：1。"], ["accessible"],
        ["script", "document.querySelector('video').poster.endsWith('/picture')"],
        ["script", "document.documentElement.scrollWidth <= innerWidth"],
        # The film plays, from its middle on too, and the same receiver downloads it.
        ["script", "document.querySelector('video').play()"],
        ["script", "new Promise((seen) => { const film = document.querySelector('video');"
                   " film.onseeked = () => seen(film.videoWidth > 0); film.currentTime = 1 })"],
        ["receive"], ["reload"], ["text", "main", "其他人已无法下载"],
        context={
            "viewport": {"width": 320, "height": 640}, "locale": "zh-CN", "colorScheme": "dark",
        },
    ) as visit:  # fmt: skip
        seen = visit.seen()
    assert [step["violations"] for step in seen if "violations" in step] == [[], []]
    returned = [step["returned"] for step in seen if "returned" in step]
    assert returned == [True, True, True]
    (got,) = (step for step in seen if "downloaded" in step)
    assert got["named"] == "海边.mp4"
    (share,) = httpx.get(f"{server.url}{API}", params={"task_id": task}).json()["shares"]
    assert share["downloaded"] == 1
    with visiting(url, ["fill", "#password", "密码"], ["press", ".go"],
                  ["text", "h1", "This link is used up"], ["accessible"]) as visit:  # fmt: skip
        assert next(step for step in visit.seen() if "violations" in step)["violations"] == []


def test_a_receiver_needs_no_script(server: Server) -> None:
    url = link(server, stored(server, os.urandom(700), "a.bin"), password="x")
    with visiting(
        url, ["fill", "#password", "x"], ["press", ".go"], ["there", "h1 bdi"], ["receive"],
        context={"javaScriptEnabled": False},
    ) as visit:  # fmt: skip
        (got,) = (step for step in visit.seen() if "downloaded" in step)
    assert (got["downloaded"], got["named"]) == (700, "a.bin")
