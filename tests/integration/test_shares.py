"""A link gives one file to each client that has it, within the limits that its owner set.

The addresses are tried as strangers would: cut, guessed, used up, at the same moment, in pieces.
"""

import base64
import os
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from support.server import Server, running_server
from support.snippets import snippet
from support.tokens import SECRET, bearer, token
from support.tus import create, delete, upload
from support.waiting import wait_until

API: Final = "/api/file/upload"
MINE, THEIRS = bearer(token(1)), bearer(token(2))
CONTENT: Final = os.urandom(3 << 20)
BROWSER: Final = {"Accept": "text/html,*/*;q=0.8"}
NAME: Final = 'Jahres\r\nbericht \u202e年报<b>".html'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_SHARES__PER_FILE": "5"}
    with running_server(tmp_path_factory.mktemp("data"), env=env) as server:
        yield server


@pytest.fixture
def tried(tmp_path: Path) -> Iterator[Server]:
    """Return a server of its own: after its test this address has no tries left there."""
    with running_server(tmp_path / "data", env={"TUSD_AUTH__ACCESS_SECRET": SECRET}) as server:
        yield server


@pytest.fixture(scope="module")
def shared(server: Server) -> str:
    return stored(server, CONTENT, "report.bin")


def stored(server: Server, content: bytes, name: str, headers: dict[str, str] = MINE) -> str:
    """Upload a file, wait until it is completed, and return the task id."""
    task = upload(server, content, name, headers=headers)
    progress = f"{server.url}{API}/progress/{task}"
    wait_until(lambda: httpx.get(progress, headers=headers).json()["status"] == "completed", 60)
    return task


def request_link(
    server: Server, task: str, headers: dict[str, str] = MINE, **members: object
) -> httpx.Response:
    return httpx.post(f"{server.url}{API}/shares/{task}", headers=headers, json=members)


def link(server: Server, task: str, **members: object) -> dict[str, Any]:
    """Make a link; it is revoked before the next one would be one too many."""
    made = request_link(server, task, **members)
    if made.status_code == 409:
        for one in listed(server, task):
            assert revoke(server, one["id"]).status_code == 204
        made = request_link(server, task, **members)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def listed(server: Server, task: str, headers: dict[str, str] = MINE) -> list[dict[str, Any]]:
    found = httpx.get(f"{server.url}{API}/shares", params={"task_id": task}, headers=headers)
    shares: list[dict[str, Any]] = found.json()["shares"]
    return shares


def revoke(server: Server, share: str, headers: dict[str, str] = MINE) -> httpx.Response:
    return httpx.delete(f"{server.url}{API}/shares/{share}", headers=headers)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def downloaded(server: Server, task: str, share: str) -> int:
    return next(one["downloaded"] for one in listed(server, task) if one["id"] == share)


def test_a_receiver_gets_the_file_and_learns_nothing_else(server: Server, shared: str) -> None:
    made = link(server, shared)
    assert made["url"].startswith(f"{server.url}/s/")
    assert (made["task_id"], made["filename"]) == (shared, "report.bin")
    assert (made["downloads"], made["downloaded"], made["has_password"]) == (None, 0, False)
    got = httpx.get(f"{made['url']}/download")
    assert (got.status_code, got.content) == (200, CONTENT)
    assert got.headers["Content-Disposition"].startswith('attachment; filename="report.bin"')
    assert got.headers["Content-Type"] == "application/octet-stream"
    page = httpx.get(made["url"], headers=BROWSER)
    known = httpx.get(made["url"]).json()
    assert known == {
        "filename": "report.bin", "size": len(CONTENT), "content_type": known["content_type"],
        "expires_at": made["expires_at"], "downloads_left": None,
        "download": f"{made['url']}/download",
    }  # fmt: skip
    hash_ = httpx.get(f"{server.files}{shared}", headers=MINE).headers["ETag"].strip('"')
    for answer in (got, page, httpx.get(made["url"])):
        seen = f"{answer.headers} {answer.text if answer is not got else ''}"
        for private in (hash_, shared, made["id"], "repository", "user"):
            assert private not in seen.lower().replace("user-agent", "")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    parts = re.findall(r'(?:src|href)="(page/[^"]+)"', page.text)
    assert {"page/receiver.css", "page/receiver.js"} <= {*parts}
    for part in parts:
        assert httpx.get(f"{server.url}/{part}").status_code == 200


def test_a_link_that_ends_after_one_download_is_used_by_one_receiver(
    server: Server, shared: str
) -> None:
    made = link(server, shared, downloads=1)
    url = f"{made['url']}/download"
    assert httpx.head(url).status_code == 200
    assert httpx.get(made["url"], headers=BROWSER).status_code == 200
    assert downloaded(server, shared, made["id"]) == 0
    with httpx.Client() as first, httpx.Client() as second:
        got = first.get(url)
        assert got.content == CONTENT
        assert code(second.get(url)) == (410, "share_used_up")
        # Neither parts, nor heads, nor the page say more than that.
        for headers in ({"Range": "bytes=0-0"}, {"If-None-Match": got.headers["ETag"]}):
            assert second.get(url, headers=headers).status_code == 410
        assert second.head(url).status_code == 410
        assert second.get(f"{made['url']}/play").status_code == 410
        assert second.get(f"{made['url']}/picture").status_code == 410
        ended = second.get(made["url"], headers=BROWSER)
        assert ended.status_code == 410
        assert "report.bin" not in ended.text
        assert first.get(url).content == CONTENT, "the same browser may begin again"
    assert downloaded(server, shared, made["id"]) == 1


def test_of_two_at_the_same_moment_one_gets_it(server: Server, shared: str) -> None:
    for _ in range(3):
        made = link(server, shared, downloads=1)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(httpx.get, [f"{made['url']}/download"] * 8))
        assert sorted(answer.status_code for answer in answers) == [200] + [410] * 7
        assert downloaded(server, shared, made["id"]) == 1


def test_a_download_that_breaks_off_continues_and_counts_once(server: Server, shared: str) -> None:
    made = link(server, shared, downloads=1)
    url = f"{made['url']}/download"
    with httpx.stream("GET", url) as broken:
        tag = broken.headers["ETag"]
        begun = next(broken.iter_raw(100_000))
    rest = {"Range": f"bytes={len(begun)}-", "If-Range": tag}
    other = {**rest, "User-Agent": "another program"}
    assert code(httpx.get(url, headers=other)) == (410, "share_used_up")
    assert httpx.get(url).status_code == 410, "a client without cookies can't begin again"
    # As curl -C - does it: no cookie, the same program at the same address.
    got = httpx.get(url, headers=rest)
    assert (got.status_code, begun + got.content) == (206, CONTENT)
    assert downloaded(server, shared, made["id"]) == 1


def test_a_player_counts_once(server: Server, shared: str) -> None:
    made = link(server, shared, downloads=2)
    for count in (1, 2):
        with httpx.Client() as player:
            assert player.get(made["url"], headers=BROWSER).status_code == 200
            for first in (0, 1 << 20, 5, 2 << 20):
                part = {"Range": f"bytes={first}-{first + 9}"}
                got = player.get(f"{made['url']}/play", headers=part)
                assert (got.status_code, got.content) == (206, CONTENT[first : first + 10])
            assert player.get(f"{made['url']}/download").content == CONTENT
        assert downloaded(server, shared, made["id"]) == count
    assert httpx.get(f"{made['url']}/download").status_code == 410


def test_no_range_gets_around_the_count(server: Server, shared: str) -> None:
    made = link(server, shared, downloads=1)
    url = f"{made['url']}/download"
    first, second = {"User-Agent": "first"}, {"User-Agent": "second"}
    assert httpx.get(url, headers={**first, "Range": "bytes=7-9"}).content == CONTENT[7:10]
    ranges = ("bytes=0-", "bytes=1-", "bytes=-5", "bytes=0-0,2-3", "bytes=5-4", "nonsense=1-2")
    for text in ranges:
        assert httpx.get(url, headers={**second, "Range": text}).status_code == 410, text
    beyond = httpx.get(url, headers={**first, "Range": f"bytes={len(CONTENT)}-"})
    assert beyond.status_code == 416
    assert downloaded(server, shared, made["id"]) == 1


def test_the_range_of_another_client_is_not_that_of_a_browser(server: Server, shared: str) -> None:
    made = link(server, shared, downloads=1)
    url = f"{made['url']}/download"
    with httpx.Client() as browser:
        assert browser.get(made["url"], headers=BROWSER).status_code == 200
        assert browser.get(url, headers={"Range": "bytes=0-99"}).status_code == 206
        # The address and the program are the same, the cookie is not there.
        assert httpx.get(url, headers={"Range": "bytes=1-"}).status_code == 410
        assert browser.get(url, headers={"Range": "bytes=100-"}).content == CONTENT[100:]


@pytest.mark.parametrize("makes_cookies", [False, True])
def test_one_address_is_a_limited_number_of_receivers(tried: Server, makes_cookies: bool) -> None:
    url = f"{link(tried, stored(tried, b'many receivers', 'm.txt'))['url']}/download"
    with httpx.Client() as browser, httpx.Client() as others:
        assert browser.get(url).status_code == 200
        refused = None
        for number in range(3000):
            others.cookies.clear()
            made = {"Cookie": f"tusd_receiver={number:022d}"} if makes_cookies else {}
            refused = others.get(url, headers=made)
            if refused.status_code != 200:
                break
        assert refused is not None
        assert code(refused) == (429, "too_many_requests")
        assert browser.get(url).status_code == 200


def test_what_has_no_bytes_is_not_counted(server: Server, shared: str) -> None:
    made = link(server, shared, downloads=1)
    url = f"{made['url']}/download"
    tag = httpx.head(url).headers["ETag"]
    assert httpx.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert httpx.get(url, headers={"If-Match": '"x"'}).status_code == 412
    assert httpx.get(url, headers={"Range": f"bytes={len(CONTENT)}-"}).status_code == 416
    assert httpx.options(url).status_code == 405
    assert httpx.get(f"{made['url']}/picture").status_code == 404
    assert downloaded(server, shared, made["id"]) == 0


def test_a_link_ends(server: Server) -> None:
    task = stored(server, b"to end", "a.txt")
    short = link(server, task, expires_in=1)
    wait_until(lambda: httpx.get(short["url"]).status_code == 410)
    assert code(httpx.get(f"{short['url']}/download")) == (410, "share_ended")
    revoked = link(server, task)
    assert revoke(server, revoked["id"], THEIRS).status_code == 404
    assert revoke(server, revoked["id"]).status_code == 204
    assert code(revoke(server, revoked["id"])) == (404, "share_not_found")
    assert code(httpx.get(revoked["url"])) == (410, "share_ended")
    left = link(server, task)
    assert httpx.get(left["url"]).status_code == 200
    assert delete(f"{server.files}{task}", **MINE).status_code == 204
    assert code(httpx.get(f"{left['url']}/download")) == (410, "share_ended")
    page = httpx.get(left["url"], headers={**BROWSER, "Accept-Language": "zh-CN,zh;q=0.9"})
    assert (page.status_code, "此链接已失效" in page.text) == (410, True)
    assert 'lang="zh-CN"' in page.text


def test_a_guess_is_refused_and_counted(server: Server, shared: str) -> None:
    made = link(server, shared)
    secret = made["url"].rpartition("/")[2]
    assert len(base64.urlsafe_b64decode(secret)) * 8 == 96 + 144
    guesses = [
        secret[:-1] + ("A" if secret[-1] != "A" else "B"),
        ("A" if secret[0] != "A" else "B") + secret[1:],
        secret[:-1], secret + "A", secret.swapcase(), made["id"], shared, "x", "%2e%2e", "é" * 40,
    ]  # fmt: skip
    shapes = set()
    for guess in guesses:
        answer = httpx.get(f"{server.url}/s/{guess}")
        own = {"date", "x-request-id", "connection"}
        fields = [(k, v) for k, v in answer.headers.multi_items() if k not in own]
        shapes.add((answer.status_code, tuple(fields), answer.text))
    assert len(shapes) == 1
    assert shapes.pop()[0] == 404
    with httpx.Client() as guesser:
        wrong = f"{server.url}/s/{'A' * 40}"
        # Guesses come back with time, and a slow machine sends few in it.
        answers = (guesser.get(wrong) for _ in range(1000))
        refused = next(answer for answer in answers if answer.status_code != 404)
    assert code(refused) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) >= 1
    assert httpx.get(made["url"]).status_code == 200, "a genuine one is not delayed"


def test_a_password_is_needed_and_its_tries_are_counted(tried: Server) -> None:
    task = stored(tried, b"locked", "secret-plans.txt")
    made = link(tried, task, password="密码 ä")
    assert made["has_password"] is True
    assert "密码" not in str(listed(tried, task))
    url = f"{made['url']}/download"
    for closed in (made["url"], url, f"{made['url']}/play", f"{made['url']}/picture"):
        answer = httpx.get(closed)
        assert code(answer) == (401, "share_password_needed")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert "plans" not in answer.text
    page = httpx.get(made["url"], headers=BROWSER)
    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert "plans" not in page.text
    assert httpx.get(url, headers=BROWSER).headers["Location"] == httpx.URL(made["url"]).path
    # A system may write the letter by two code points.
    with httpx.Client() as browser:
        form = {"password": "密码 a\u0308"}
        opened = browser.post(made["url"], headers=BROWSER, data=form)
        assert opened.status_code == 303
        cookie = next(
            one for one in opened.headers.get_list("set-cookie") if one.startswith("tusd_opened=")
        )
        path = httpx.URL(made["url"]).path
        for attribute in ("HttpOnly", "SameSite=Lax", f"Path={path}"):
            assert attribute in cookie.split("; ")
        assert "secret-plans.txt" in browser.get(made["url"], headers=BROWSER).text
        assert browser.get(url).content == b"locked"
    for _ in range(15):
        # What is right costs nothing, as a player or a resumed download sends it each time.
        assert httpx.get(url, auth=("", "密码 ä")).content == b"locked"
    assert code(httpx.get(url, auth=("", "wrong"))) == (401, "share_password_wrong")
    wrong = httpx.post(made["url"], headers=BROWSER, data={"password": "no"})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (403, True)
    tries = (httpx.get(url, auth=("", f"no {n}")) for n in range(100))
    refused = next(answer for answer in tries if int(answer.headers.get("Retry-After", 0)) > 20)
    assert code(refused) == (429, "too_many_requests")
    assert httpx.get(url, auth=("", "密码 ä")).status_code == 429, "no answer tells it is right"
    again = httpx.post(made["url"], headers=BROWSER, data={"password": "no"})
    assert (again.status_code, "password" in again.text) == (429, True)
    # Of one link nothing opens another.
    other = link(tried, task, password="other")
    value = cookie.partition(";")[0]
    assert httpx.get(f"{other['url']}/download", headers={"Cookie": value}).status_code == 401


def test_links_are_the_owners(server: Server, shared: str) -> None:
    theirs = stored(server, b"of another user", "b.txt", THEIRS)
    assert code(request_link(server, theirs)) == (404, "task_not_found")
    assert request_link(server, shared, {}).status_code == 401
    assert request_link(server, "0" * 32).status_code == 404
    arriving = create(server, 5, headers=MINE)
    assert code(request_link(server, arriving.rpartition("/")[2])) == (409, "upload_unfinished")
    own_token = {"Upload-Token": httpx.head(arriving, headers={**MINE, "Tus-Resumable": "1.0.0"})
                 .headers["Upload-Token"]}  # fmt: skip
    assert request_link(server, arriving.rpartition("/")[2], own_token).status_code == 403
    made = link(server, shared)
    assert listed(server, shared, THEIRS) == []
    assert made["id"] in str(listed(server, shared))
    assert revoke(server, made["id"], THEIRS).status_code == 404
    for headers in (THEIRS, bearer(made["url"].rpartition("/")[2])):
        assert httpx.get(f"{server.files}{shared}", headers=headers).status_code in (401, 404)


@pytest.mark.parametrize(
    "members",
    [
        {"expires_in": 0}, {"expires_in": 365 * 86_400 + 1}, {"expires_in": "9"},
        {"expires_in": True}, {"downloads": 0}, {"downloads": 1.5}, {"downloads": -1},
        {"password": ""}, {"password": 7}, {"password": "x" * 201},
    ],
)  # fmt: skip
def test_what_no_link_can_have_is_refused(
    server: Server, shared: str, members: dict[str, Any]
) -> None:
    assert code(request_link(server, shared, **members)) == (400, "malformed_request")


def test_the_documented_commands_give_the_file(server: Server, shared: str, tmp_path: Path) -> None:
    block = snippet("docs/using.md", "link=$(curl")
    for one in listed(server, shared):
        revoke(server, one["id"])
    env = {**os.environ, "TOKEN": token(1), "TASK": shared}
    subprocess.run(["bash", "-ec", block.at(server.url)], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / "report.bin").read_bytes() == CONTENT


def test_a_file_has_a_limited_number_of_links(server: Server) -> None:
    task = stored(server, b"often shared", "a.txt")
    made = [request_link(server, task) for _ in range(6)]
    assert [answer.status_code for answer in made] == [201] * 5 + [409]
    assert made[-1].json()["code"] == "too_many_shares"
    assert [one["id"] for one in listed(server, task)] == [
        answer.json()["id"] for answer in reversed(made[:5])
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<!doctype html><script>document.title = 'ran'</script>", NAME),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "drawing.svg"),
        (b"%PDF-1.7 a document", "paper.pdf"),
    ],
)
def test_what_could_run_is_never_shown_in_place(server: Server, content: bytes, name: str) -> None:
    made = link(server, stored(server, content, name))
    for path in ("download", "play"):
        got = httpx.get(f"{made['url']}/{path}")
        assert got.content == content
        assert got.headers["Content-Type"] == "application/octet-stream"
        assert got.headers["Content-Disposition"].startswith("attachment; ")
        assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert not re.search(r"[\r\n\u202e]", got.headers["Content-Disposition"])
    page = httpx.get(made["url"], headers=BROWSER).text
    assert "<b>" not in page
    assert "\u202e" not in page
    assert "/play" not in page


def test_a_page_of_another_site_gets_nothing(server: Server, shared: str) -> None:
    made = link(server, shared)
    origin = {"Origin": "https://evil.example"}
    for url in (made["url"], f"{made['url']}/download"):
        answer = httpx.get(url, headers=origin)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_links_work_without_authentication_and_after_a_restart(tmp_path_factory: Any) -> None:
    server = Server(tmp_path_factory.mktemp("data"), "--workers", "1").start()
    try:
        task = stored(server, b"open", "a.bin", {})
        made = request_link(server, task, {}, password="x").json()
        path = httpx.URL(made["url"]).path
        server.stop()
        server.start()
        url = f"{server.url}{path}"
        # A browser sends no Origin with a form of a page that sends no referrer.
        strange = {**BROWSER, "Origin": "null", "Sec-Fetch-Site": "same-origin"}
        opened = httpx.post(url, headers=strange, data={"password": "x"})
        assert opened.status_code == 303
        followed = {**BROWSER, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert httpx.get(url, headers=followed).status_code == 200
        assert httpx.get(f"{url}/download", auth=("", "x")).content == b"open"
        elsewhere = {**BROWSER, "Host": "evil.example"}
        assert httpx.get(url, headers=elsewhere).status_code == 421
    finally:
        server.stop()
