"""A HEAD without tus, as of ``curl -I`` and link checkers, is answered as GET is, without the body."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from support.raw_http import connected, silent_patch
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import create, delete, head, upload
from support.waiting import wait_until

API: Final = "/api/file/upload"
MINE, THEIRS = bearer(token(1)), bearer(token(2))
CONTENT: Final = b"a finished file"
CHANGED: Final = "Fri, 14 Jul 2017 02:40:00 GMT"
OF_A_REQUEST: Final = {"date", "x-request-id"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path_factory.mktemp("data"), env=env) as server:
        yield server


@pytest.fixture(scope="module")
def paths(guarded: Server) -> dict[str, str]:
    """Return the path of each resource whose answer to GET is final."""
    file = upload(guarded, CONTENT, "a.txt", headers=MINE, mtime="1500000000")
    progress = f"{guarded.url}{API}/progress/{file}"
    wait_until(lambda: httpx.get(progress, headers=MINE).json()["status"] == "completed")
    deleted = upload(guarded, b"deleted", headers=MINE)
    delete(f"{guarded.files}{deleted}", **MINE)
    link = httpx.post(f"{guarded.url}{API}/links/{file}", headers=MINE).json()["url"]
    return {
        "file": f"/files/{file}",
        "rendition": f"/files/{file}?rendition=original",
        "no rendition": f"/files/{file}?rendition=poster",
        "deleted": f"/files/{deleted}",
        "unknown": f"/files/{'0' * 32}",
        "no id": "/files/a/b",
        "collection": "/files/",
        "link": link,
        "wrong link": f"{API}/media/x",
        "progress": f"{API}/progress/{file}",
        "renditions": f"{API}/renditions/{file}",
        "links": f"{API}/links/{file}",
        "page": "/",
        "part of the page": "/page/page.css",
        "no part of the page": "/page/none.css",
        "nothing": "/nothing",
    }


def answer(method: str, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    response = httpx.request(method, url, headers=headers)
    fields = {k: v for k, v in response.headers.items() if k not in OF_A_REQUEST}
    return response.status_code, fields


def test_every_head_is_that_of_the_answer_to_get(guarded: Server, paths: dict[str, str]) -> None:
    tag = httpx.get(f"{guarded.url}{paths['file']}", headers=MINE).headers["ETag"]
    requests: list[dict[str, str]] = [
        MINE,
        THEIRS,
        {},
        bearer("wrong"),
        {**MINE, "Accept": "text/html"},
        {**MINE, "If-None-Match": tag},
        {**MINE, "If-None-Match": '"other"'},
        {**MINE, "If-Match": '"other"'},
        {**MINE, "If-Modified-Since": CHANGED},
        {**MINE, "If-Unmodified-Since": "Fri, 14 Jul 2017 02:39:59 GMT"},
        {**MINE, "Host": "another.example"},
        {**MINE, "Origin": "https://app.example"},
    ]
    statuses = set()
    for name, path in paths.items():
        for headers in requests:
            expected = answer("GET", f"{guarded.url}{path}", headers)
            assert answer("HEAD", f"{guarded.url}{path}", headers) == expected, (name, headers)
            statuses.add(expected[0])
    assert statuses == {200, 304, 401, 404, 405, 410, 412}


def test_a_head_of_a_file_tells_what_a_client_would_get(
    guarded: Server, paths: dict[str, str]
) -> None:
    status, fields = answer("HEAD", f"{guarded.url}{paths['file']}", {**MINE, "Range": "bytes=2-5"})
    assert status == 200
    assert fields["content-length"] == str(len(CONTENT))
    assert fields["accept-ranges"] == "bytes"
    assert fields["last-modified"] == CHANGED
    assert fields["etag"].startswith('"')


def without_tus(request: bytes) -> bytes:
    return request.replace(b"Tus-Resumable: 1.0.0\r\n", b"")


def test_a_connection_goes_on_after_a_head(guarded: Server, paths: dict[str, str]) -> None:
    """No byte of a body follows, whatever Content-Length says."""
    with connected(guarded.url) as connection:
        for path in (paths["file"], paths["unknown"], paths["page"], "/nothing") * 2:
            connection.send(without_tus(connection.request("HEAD", path, **MINE)))
            assert connection.answer(to_head=True).headers["content-length"] != "0"


def test_an_upload_that_is_arriving_has_the_head_of_tus_only(guarded: Server) -> None:
    url = create(guarded, 5, headers=MINE)
    with silent_patch(url, 0, 5, b"abc", **MINE) as sender:
        wait_until(lambda: progress(guarded, url)["offset"] == 3)
        status, fields = answer("HEAD", url, MINE)
        assert (status, fields["tus-version"]) == (412, "1.0.0")
        assert "content-length" not in fields
        assert answer("HEAD", url, THEIRS)[0] == 404
        # It took nothing over: the body goes on.
        sender.send(b"de")
        assert sender.answer().status == 204
    assert answer("HEAD", url, MINE)[1]["content-length"] == "5"


def progress(server: Server, url: str) -> dict[str, Any]:
    answered = httpx.get(f"{server.url}{API}/progress/{url.rpartition('/')[2]}", headers=MINE)
    found: dict[str, Any] = answered.json()
    return found


def test_a_head_of_tus_has_no_length(guarded: Server, paths: dict[str, str]) -> None:
    """The field would be that of the answer to GET (RFC 9110, 8.6)."""
    finished = head(f"{guarded.url}{paths['file']}", **MINE)
    assert (finished.status_code, finished.headers["Upload-Offset"]) == (200, str(len(CONTENT)))
    arriving = create(guarded, 5, headers=MINE)
    answers = [
        finished,
        head(arriving, **MINE),
        head(f"{guarded.url}{paths['unknown']}", **MINE),
        head(f"{guarded.url}{paths['deleted']}", **MINE),
        head(arriving),
        head(arriving, **MINE, Tus_Resumable="0.2.2"),
        head(f"{guarded.files}", **MINE),
    ]
    assert [answered.status_code for answered in answers] == [200, 200, 404, 410, 401, 412, 405]
    for answered in answers:
        assert not {"content-length", "transfer-encoding"} & set(answered.headers)


def test_a_head_of_a_stream_ends(guarded: Server) -> None:
    url = create(guarded, 5, headers=MINE)
    paths = (f"{API}/events", f"{API}/events/{url.rpartition('/')[2]}")
    with connected(guarded.url) as connection:
        for path in paths * 2:
            with httpx.stream("GET", f"{guarded.url}{path}", headers=MINE) as stream:
                kind = stream.headers["content-type"]
            # The connection answers the next request only once this one has ended.
            connection.send(without_tus(connection.request("HEAD", path, **MINE)))
            found = connection.answer(to_head=True)
            assert (found.status, found.headers["content-type"]) == (200, kind)
            assert "transfer-encoding" not in found.headers
