"""Renditions are played in place by links that expire, and no file that could run is."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.media import video
from support.server import Server, running_server
from support.tokens import SECRET, token
from support.tus import create, delete, head, patch, task_id, upload
from support.waiting import wait_until

MINE, THEIRS = ({"Authorization": f"Bearer {token(user)}"} for user in (1, 2))
BYTES = b"0123456789"
DATE = "Sat, 28 Nov 2026 12:00:00 GMT"
PAGE = b"<!doctype html><script>document.title = 'ran'</script>"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_MEDIA__PRESET": "ultrafast"}
    with running_server(tmp_path_factory.mktemp("data"), env=env) as server:
        yield server


def sent(server: Server, content: bytes, filename: str, headers: dict[str, str] = MINE) -> str:
    """Upload a file, wait until it is completed, and return the task id."""
    task = upload(server, content, filename, headers=headers)
    progress = f"{server.url}/api/file/upload/progress/{task}"
    wait_until(lambda: httpx.get(progress, headers=headers).json()["status"] == "completed", 60)
    return task


def link(server: Server, task: str, **members: object) -> httpx.Response:
    url = f"{server.url}/api/file/upload/links/{task}"
    return httpx.post(url, headers=MINE, json=members)


def opened(server: Server, task: str, query: str = "", **members: object) -> httpx.Response:
    made = link(server, task, **members)
    assert made.status_code == 200, made.text
    return httpx.get(f"{server.url}{made.json()['url']}{query}")


def test_details_are_the_answers_of_the_requests_for_one(guarded: Server) -> None:
    complete, theirs = sent(guarded, png(), "a.png"), upload(guarded, b"x", "b", headers=THEIRS)
    arriving = create(guarded, 9, b"1234", filename="c.bin", headers=MINE).rpartition("/")[2]
    api = f"{guarded.url}/api/file/upload"
    wrong = create(guarded, 3, filename="d.bin", filehash="blake3:" + "0" * 64, headers=MINE)
    assert patch(wrong, 0, b"abc", **MINE).status_code == 460
    refused = task_id(wrong)
    ids = [theirs, complete, "none", arriving, complete, refused]
    answer = httpx.post(f"{api}/details", headers=MINE, json={"task_ids": ids, "seconds": 60})
    first, second, third = answer.json()["tasks"]
    progress = httpx.get(f"{api}/progress/{complete}", headers=MINE).json()
    assert first["progress"].items() <= progress.items()
    assert first["renditions"] == httpx.get(f"{api}/renditions/{complete}", headers=MINE).json()
    assert {*progress} - {*first["progress"]} == {"facts", "renditions"}
    linked = httpx.get(f"{guarded.url}{first['link']['url']}?rendition=thumbnail")
    assert linked.headers["Content-Type"] == "image/webp"
    assert second["progress"]["offset"] == 4
    assert "renditions" not in second
    assert third == {"progress": httpx.get(f"{api}/progress/{refused}", headers=MINE).json()}
    assert third["progress"]["error_code"] == "hash_mismatch"
    too_many = httpx.post(f"{api}/details", headers=MINE, json={"task_ids": ["x"] * 101})
    assert too_many.status_code == httpx.post(f"{api}/details", headers=MINE).status_code == 400


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0\xff\0\0")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_a_film_is_played_in_place_by_a_link(guarded: Server, tmp_path: Path) -> None:
    task = sent(guarded, video(tmp_path / "clip.mp4").read_bytes(), "clip.mp4")
    whole = opened(guarded, task)
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Content-Disposition"].startswith("inline; ")
    assert whole.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Referrer-Policy"] == "no-referrer"
    url = f"{guarded.url}{link(guarded, task).json()['url']}"
    part = httpx.get(url, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    same = httpx.get(url, headers={"If-None-Match": f'"x", {whole.headers["ETag"]}'})
    assert (same.status_code, same.content) == (304, b"")
    as_file = httpx.get(f"{url}?download")
    assert as_file.headers["Content-Disposition"].startswith("attachment; ")
    assert as_file.headers["Content-Type"] == "application/octet-stream"
    assert httpx.get(f"{guarded.files}{task}").status_code == 401


@pytest.fixture(scope="module")
def addresses(guarded: Server) -> dict[str, tuple[str, dict[str, str]]]:
    """Return a file's address for its owner, and the address of a link to it."""
    task = sent(guarded, BYTES, "a.bin")
    return {
        "file": (f"{guarded.files}{task}", MINE),
        "link": (f"{guarded.url}{link(guarded, task).json()['url']}", {}),
    }


@pytest.mark.parametrize("route", ["file", "link"])
def test_a_range_is_of_the_content_that_the_client_has(
    addresses: dict[str, tuple[str, dict[str, str]]], route: str
) -> None:
    url, own = addresses[route]
    whole = httpx.get(url, headers=own)
    assert (whole.status_code, whole.content) == (200, BYTES)
    tag, part = whole.headers["ETag"], {"Range": "bytes=2-5"}
    for condition, status in ((tag, 206), ('"other"', 200), (f"W/{tag}", 200), (DATE, 200)):
        answer = httpx.get(url, headers={**own, **part, "If-Range": condition})
        expected = BYTES[2:6] if status == 206 else BYTES
        assert (answer.status_code, answer.content) == (status, expected), condition
    for condition in (tag, f"W/{tag}", f'"other",{tag}', "*"):
        answer = httpx.get(url, headers={**own, **part, "If-None-Match": condition})
        assert (answer.status_code, answer.content) == (304, b""), condition
    twice = [*own.items(), ("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert httpx.get(url, headers=twice).status_code == 304
    changed = httpx.get(url, headers={**own, "If-None-Match": '"other"'})
    assert (changed.status_code, changed.content) == (200, BYTES)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("route", ["file", "rendition", "link", "page"])
def test_conditions_are_looked_at_on_every_resource_with_a_tag(
    guarded: Server, addresses: dict[str, tuple[str, dict[str, str]]], route: str, method: str
) -> None:
    if route == "page":
        url, own = f"{guarded.url}/page/page.css", {}
    else:
        url, own = addresses["link" if route == "link" else "file"]
        url += "?rendition=original" * (route == "rendition")
    tag = httpx.get(url, headers=own).headers["ETag"]
    for field, value, status in (
        ("If-Match", tag, 200),
        ("If-Match", f'"other", {tag}', 200),
        ("If-Match", "*", 200),
        ("If-Match", '"other"', 412),
        ("If-Match", f"W/{tag}", 412),
        ("If-None-Match", tag, 304),
        ("If-None-Match", f'"other", W/{tag}', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"other"', 200),
        ("If-Unmodified-Since", DATE, 200),
        ("If-Modified-Since", DATE, 200),
    ):
        answer = httpx.request(method, url, headers={**own, field: value})
        assert answer.status_code == status, (field, value)
        if status == 412 and method == "GET":
            assert answer.json()["code"] == "precondition_failed"
    both = {**own, "If-Match": '"other"', "If-None-Match": tag, "Range": "bytes=0-1"}
    assert httpx.request(method, url, headers=both).status_code == 412


@pytest.mark.parametrize("pair", [{"mtime": "1500000000.25"}, {"lastModified": "1500000000250"}])
def test_a_file_as_it_was_sent_tells_when_it_was_changed(
    guarded: Server, pair: dict[str, str]
) -> None:
    url = create(guarded, 4, b"time", headers=MINE, filename="a.bin", **pair)
    answer = httpx.get(url, headers=MINE)
    changed = "Fri, 14 Jul 2017 02:40:00 GMT"
    assert answer.headers["Last-Modified"] == changed
    same = httpx.get(url, headers={**MINE, "If-Modified-Since": changed})
    assert (same.status_code, same.headers["Last-Modified"]) == (304, changed)
    before = "Fri, 14 Jul 2017 02:39:59 GMT"
    assert httpx.get(url, headers={**MINE, "If-Unmodified-Since": before}).status_code == 412
    both = {**MINE, "If-Modified-Since": changed, "If-None-Match": '"other"'}
    assert httpx.get(url, headers=both).status_code == 200


def test_a_deletion_is_of_the_content_that_if_match_names(guarded: Server) -> None:
    task = sent(guarded, BYTES, "a.bin")
    url = f"{guarded.files}{task}"
    tag = httpx.get(url, headers=MINE).headers["ETag"]
    own = {**MINE, "Tus-Resumable": "1.0.0"}
    for field, value in (("If-Match", '"other"'), ("If-None-Match", tag), ("If-None-Match", "*")):
        assert httpx.delete(url, headers={**own, field: value}).status_code == 412
    assert httpx.get(url, headers=MINE).content == BYTES
    assert httpx.delete(url, headers={**own, "If-Match": f'"other", {tag}'}).status_code == 204
    unfinished = create(guarded, 5, headers=MINE)
    assert httpx.delete(unfinished, headers={**own, "If-Match": "*"}).status_code == 412
    assert httpx.delete(unfinished, headers={**own, "If-None-Match": "*"}).status_code == 204


def test_a_page_of_another_site_may_send_conditions(
    addresses: dict[str, tuple[str, dict[str, str]]],
) -> None:
    url, _ = addresses["link"]
    origin = {"Origin": "https://app.example"}
    preflight = {"Access-Control-Request-Method": "GET"}
    allowed = httpx.options(url, headers={**origin, **preflight}).headers
    names = allowed["Access-Control-Allow-Headers"].split(", ")
    assert {"Range", "If-Range", "If-None-Match", "If-Match"} <= set(names)
    exposed = httpx.get(url, headers=origin).headers["Access-Control-Expose-Headers"]
    assert "ETag" in exposed.split(", ")


def test_the_head_of_a_link_reads_nothing(guarded: Server) -> None:
    task = sent(guarded, b"whose object is away", "a.bin")
    url = f"{guarded.url}{link(guarded, task).json()['url']}"
    progress = httpx.get(f"{guarded.url}/api/file/upload/progress/{task}", headers=MINE)
    whole = httpx.get(url)
    (stored,) = guarded.data_dir.rglob(Path(progress.json()["oss_path"]).name)
    stored.unlink()
    head = httpx.head(url, headers={"Range": "bytes=2-5"})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Content-Disposition"):
        assert head.headers[name] == whole.headers[name]
    assert httpx.head(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    # A request of that method which the tus endpoint must treat as GET is refused too.
    as_get = {**MINE, "X-HTTP-Method-Override": "GET"}
    assert httpx.head(f"{guarded.files}{task}", headers=as_get).status_code == 200


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (PAGE, "page.html"),
        (PAGE, "picture.png"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "drawing.svg"),
        (b"%PDF-1.7 a document", "paper.pdf"),
        (b"just a text", "a.txt"),
    ],
)
def test_what_could_run_is_never_shown_in_place(guarded: Server, content: bytes, name: str) -> None:
    got = opened(guarded, sent(guarded, content, name))
    assert got.content == content
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_picture_that_is_one_is_shown_in_place(guarded: Server) -> None:
    got = opened(guarded, sent(guarded, png(), "dot.png"), "?rendition=original")
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"].startswith("inline; ")


def test_a_link_gives_its_rendition_and_no_other(guarded: Server) -> None:
    task = sent(guarded, b"one rendition", "a.bin")
    assert opened(guarded, task, rendition="original").content == b"one rendition"
    only = f"{guarded.url}{link(guarded, task, rendition='poster').json()['url']}"
    for query in ("", "&rendition=original"):
        assert httpx.get(f"{only}{query}").status_code == 404
    other = only.partition("?")[0]
    assert httpx.get(f"{other}?rendition=original").json()["code"] == "rendition_not_found"


def test_links_are_made_by_the_owner_for_a_time(guarded: Server) -> None:
    task = sent(guarded, b"owned", "a.bin")
    url = f"{guarded.url}/api/file/upload/links/{task}"
    assert httpx.post(url).status_code == 401
    assert httpx.post(url, headers=THEIRS).status_code == 404
    for members in ({"seconds": 0}, {"seconds": 604801}, {"seconds": "9"}, {"seconds": True}):
        assert link(guarded, task, **members).status_code == 400
    assert link(guarded, task, rendition="../x").status_code == 404
    made = link(guarded, task, seconds=1).json()["url"]
    wait_until(lambda: httpx.get(f"{guarded.url}{made}").status_code == 401)
    assert httpx.get(f"{guarded.url}{made}").json()["code"] == "token_expired"


def test_a_token_of_another_kind_opens_nothing(guarded: Server) -> None:
    task = sent(guarded, b"kinds", "a.bin")
    tickets = f"{guarded.url}/api/file/upload/tickets"
    ticket = httpx.post(tickets, headers=MINE, json={"task_id": task}).json()["ticket"]
    upload_token = head(f"{guarded.files}{task}", **MINE)
    for wrong in (ticket, token(1), upload_token.headers.get("Upload-Token", "x"), "x" * 5000):
        assert httpx.get(f"{guarded.url}/api/file/upload/media/{wrong}").status_code == 401
    made = link(guarded, task).json()["url"].rpartition("/")[2]
    for path in (f"api/file/upload/progress/{task}", f"files/{task}"):
        bearer = {"Authorization": f"Bearer {made}"}
        assert httpx.get(f"{guarded.url}/{path}", headers=bearer).status_code == 401
    changed = f"{made[:-2]}{'AA' if made[-2:] != 'AA' else 'BB'}"
    assert httpx.get(f"{guarded.url}/api/file/upload/media/{changed}").status_code == 401


def test_a_deleted_files_link_gives_nothing(guarded: Server) -> None:
    task = sent(guarded, b"to be deleted", "a.bin")
    url = f"{guarded.url}{link(guarded, task).json()['url']}"
    assert httpx.get(url).status_code == 200
    assert delete(f"{guarded.files}{task}", **MINE).status_code == 204
    assert httpx.get(url).status_code == 410


def test_links_work_without_authentication_and_after_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--workers", "1").start()
    try:
        task = sent(server, b"open", "a.bin", {})
        made = httpx.post(f"{server.url}/api/file/upload/links/{task}").json()["url"]
        server.stop()
        server.start()
        assert httpx.get(f"{server.url}{made}").content == b"open"
    finally:
        server.stop()
