"""Several files as one zip, made while it is sent: what is in it, who gets it, and how it ends early."""

import os
import socket
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import create, delete, task_id, upload
from support.waiting import wait_until

ME, OTHER = bearer(token(1)), bearer(token(2))
API = "/api/file/upload"
MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {
        "TUSD_AUTH__ACCESS_SECRET": SECRET,
        "TUSD_LIMITS__ARCHIVE_FILES": "20",
        "TUSD_LIMITS__ARCHIVES": "16",
    }
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "1", env=env) as running:
        yield running


def sent(server: Server, path: str, content: bytes, headers: dict[str, str] = ME) -> str:
    """Upload a file as a client sends it that lies in a folder."""
    name = path.rpartition("/")[2]
    task = upload(server, content, name, headers=headers, relativePath=path)
    url = f"{server.url}{API}/progress/{task}"
    wait_until(lambda: httpx.get(url, headers=headers).json()["status"] == "completed", 60)
    return task


def made(server: Server, headers: dict[str, str] = ME, **wanted: Any) -> tuple[int, dict[str, Any]]:
    answer = httpx.post(f"{server.url}{API}/archives", headers=headers, json=wanted)
    return answer.status_code, answer.json()


def link(server: Server, **wanted: Any) -> str:
    status, found = made(server, **wanted)
    assert status == 200, found
    return f"{server.url}{found['url']}"


def unpacked(url: str) -> dict[str, bytes]:
    """Return the files of an archive that arrives whole, by the length that is said before."""
    size = int(httpx.head(url).headers["Content-Length"])
    answer = httpx.get(url)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert len(answer.content) == int(answer.headers["Content-Length"]) == size
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_folder_is_one_archive_with_its_tree(server: Server) -> None:
    contents = {
        "photos/a.txt": b"one", "photos/2024/a.txt": os.urandom(3 * MIB), "photos/2024/é 1.txt": b"",
        "Photos/a.txt": b"another folder", "photos2/a.txt": b"neither",
    }  # fmt: skip
    for path, content in contents.items():
        sent(server, path, content)
    create(server, 9, b"half", headers=ME, filename="open.bin", relativePath="photos/open.bin")
    status, found = made(server, folder="photos")
    assert (status, found["files"], found["unfinished"]) == (200, 3, 1)
    url = f"{server.url}{found['url']}"
    assert unpacked(url) == {
        path: contents[path] for path in contents if path.startswith("photos/")
    }
    answer = httpx.get(url)
    assert len(answer.content) == found["size"]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="photos.zip"')
    assert answer.headers["Accept-Ranges"] == "none"
    assert answer.headers["Cache-Control"] == "no-store"
    assert unpacked(link(server, folder="photos/2024/")) == {
        path: contents[path] for path in contents if path.startswith("photos/2024/")
    }


def test_chosen_files_get_names_that_are_safe_and_unique(server: Server) -> None:
    paths = [
        "../../etc/passwd", "/etc/passwd", "C:\\Windows\\win.ini", "in/..\\..\\x", "in\n/a\x1b[2J\u202e.txt", "in/CON",
        "in/same.txt", "in/same.txt", "in/SAME.txt",
    ]  # fmt: skip
    tasks = [
        sent(server, path, str(number).encode() + os.urandom(9))
        for number, path in enumerate(paths)
    ]
    found = unpacked(link(server, task_ids=tasks))
    assert {name: int(content[:1]) for name, content in found.items()} == {
        "passwd": 0, "etc/passwd": 1, "C__Windows_win.ini": 2, ".._.._x": 3, "in/a[2J.txt": 4, "in/_CON": 5,
        "in/same (1).txt": 6, "in/same (2).txt": 7, "in/SAME.txt": 8,
    }  # fmt: skip
    query = {"name": "same.txt", "folder": "in"}
    assert len(unpacked(link(server, **query))) == 3


def test_only_the_owner_gets_an_archive_and_nothing_that_was_deleted(server: Server) -> None:
    mine = sent(server, "owned/a.txt", b"mine")
    theirs = sent(server, "owned/b.txt", b"theirs", OTHER)
    assert made(server, task_ids=[mine, theirs])[1]["code"] == "task_not_found"
    assert made(server, task_ids=[mine, "0" * 32])[1]["code"] == "task_not_found"
    assert made(server, OTHER, task_ids=[mine])[1]["code"] == "task_not_found"
    assert list(unpacked(link(server, folder="owned"))) == ["owned/a.txt"]
    assert made(server, {}, folder="owned")[0] == 401
    address = link(server, task_ids=[mine])
    assert httpx.get(address[:-4] + "AAAA").json()["code"] == "token_invalid"
    assert httpx.get(address, headers={"Range": "bytes=0-9"}).status_code == 200
    assert delete(f"{server.files}{mine}", **ME).status_code == 204
    assert httpx.get(address).json()["code"] == "task_not_found"
    assert made(server, folder="owned")[1]["code"] == "task_not_found"


def test_what_can_not_be_an_archive_is_refused(server: Server) -> None:
    half = task_id(create(server, 10, b"half", headers=ME, filename="half.bin"))
    assert made(server, task_ids=[half])[1]["code"] == "upload_unfinished"
    for wanted in (
        {"task_ids": []}, {"task_ids": "x"}, {"task_ids": ["0" * 32] * 251}, {"seconds": 0},
        {"seconds": 86401}, {"state": "no"}, {"folder": 3}, {"folder": "é" * 900},
        {"created_from": "yesterday"},
    ):  # fmt: skip
        status, _ = made(server, **wanted)
        assert status == 400, wanted
    lone = httpx.post(f"{server.url}{API}/archives", headers=ME, content=b'{"name": "\\ud800"}')
    assert (lone.status_code, lone.json()["code"]) == (400, "malformed_request")
    for number in range(21):
        upload(
            server, os.urandom(5), f"{number}.txt", headers=OTHER, relativePath=f"many/{number}.txt"
        )
    status, found = made(server, OTHER, folder="many")
    assert (status, found["code"]) == (413, "archive_too_large")


def test_a_file_that_is_deleted_in_the_middle_cuts_the_archive(server: Server) -> None:
    for name in ("1.bin", "2.bin"):
        sent(server, f"cut/{name}", os.urandom(40 * MIB))
    last = sent(server, "cut/3.bin", os.urandom(MIB))
    url = link(server, folder="cut")
    arrived = 0

    def deleted_at_the_first_bytes() -> None:
        nonlocal arrived
        with httpx.stream("GET", url, timeout=60) as answer:
            for piece in answer.iter_raw():
                if not arrived:
                    # The rest is more than all buffers on the way hold.
                    assert delete(f"{server.files}{last}", **ME).status_code == 204
                arrived += len(piece)

    with pytest.raises(httpx.RemoteProtocolError):
        deleted_at_the_first_bytes()
    assert 80 * MIB < arrived < 81 * MIB
    assert list(unpacked(url)) == ["cut/1.bin", "cut/2.bin"], "another try has what is left"


def test_readers_that_read_nothing_hold_no_thread(server: Server) -> None:
    sent(server, "slow/a.bin", os.urandom(40 * MIB))
    url = httpx.URL(link(server, folder="slow"))
    request = f"GET {url.raw_path.decode()} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n\r\n"
    readers = []

    def reads_nothing() -> bool:
        reader = socket.create_connection((url.host, url.port))
        reader.sendall(request.encode())
        readers.append(reader)
        return reader.recv(12) == b"HTTP/1.1 200"

    # More than there are threads that read.
    assert [reads_nothing() for _ in range(15)] == [True] * 15
    assert unpacked(str(url)).keys() == {"slow/a.bin"}
    wait_until(reads_nothing, timeout=60)
    refused = httpx.get(url)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_archives")
    for reader in readers:
        reader.close()
    wait_until(lambda: httpx.head(url).status_code == 200 == httpx.get(url).status_code, timeout=60)


def test_the_list_and_the_progress_tell_two_files_of_a_name_apart(server: Server) -> None:
    task = sent(server, "list/2024/a.txt", b"1")
    sent(server, "List/a.txt", b"2")
    tasks = f"{server.url}{API}/tasks"

    def paths(**query: str) -> list[str]:
        found = httpx.get(tasks, params=query, headers=ME).json()
        assert found["total"] == len(found["tasks"])
        return [each["relative_path"] for each in found["tasks"]]

    assert paths(folder="list") == paths(folder="list/2024/") == ["list/2024/a.txt"]
    assert paths(folder="lis") == paths(folder="list/%") == []
    assert paths(name="LIST") == ["List/a.txt", "list/2024/a.txt"]
    progress = httpx.get(f"{server.url}{API}/progress/{task}", headers=ME).json()
    assert progress["relative_path"] == "list/2024/a.txt"
