"""kill -9 of the server: nothing that was acknowledged is lost, nothing is done twice."""

import random
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

import blake3
import httpx
import pytest
from support.files import bytes_in
from support.raw_http import connected, silent_patch
from support.server import Server, running_server
from support.tus import append, create, offset, task_id
from support.waiting import wait_until

MIB = 1 << 20


def send_half(url: str, at: int, content: bytes, **fields: str) -> None:
    """Send half of a body, and stay connected until the server is gone."""
    half = content[: len(content) // 2]
    with suppress(OSError), silent_patch(url, at, len(content), half, **fields) as patching:
        patching.answer()


@pytest.mark.parametrize("lend", ["true", "false"], ids=["lent", "asgi"])
def test_a_server_killed_in_the_middle_of_a_patch_resumes_to_the_same_bytes(
    tmp_path: Path, lend: str
) -> None:
    rng = random.Random(5)
    content = rng.randbytes(16 * MIB)
    way = {"TUSD_LEND_BODIES": lend}
    server = Server(tmp_path / "data", "--workers", "1", env=way).start()
    url = create(server, len(content))
    acknowledged = 0
    try:
        for round_ in range(4):
            end = acknowledged + rng.randrange(1, 65536)
            append(url, acknowledged, content[acknowledged:end])
            acknowledged = end
            rest = content[acknowledged:]
            sender = threading.Thread(target=send_half, args=(url, acknowledged, rest))
            sender.start()
            wait_until(lambda low=acknowledged: _size(server.data_dir / "uploads") > low)
            server.kill()
            sender.join(30)
            server.start()
            reached = offset(url)
            assert acknowledged <= reached <= len(content), round_
            acknowledged = reached
        append(url, acknowledged, content[acknowledged:])
        done = server.wait_for_status(task_id(url), "completed")
        assert done["progress"] == 100
        assert httpx.get(url).content == content
        (found,) = _query(server, "SELECT hash FROM repository_pool")
        assert found[0] == blake3.blake3(content).hexdigest()
    finally:
        server.stop()


def _size(folder: Path) -> int:
    return bytes_in(folder)


def _query(server: Server, statement: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(server.data_dir / "catalog.sqlite3")
    try:
        return database.execute(statement).fetchall()
    finally:
        database.close()


@pytest.mark.parametrize("lend", ["true", "false"], ids=["lent", "asgi"])
def test_a_chunk_with_a_checksum_that_a_kill_broke_off_leaves_no_byte(
    tmp_path: Path, lend: str
) -> None:
    way = {"TUSD_LEND_BODIES": lend}
    server = Server(tmp_path / "data", "--workers", "0", env=way).start()
    try:
        url = create(server, 4 * MIB)
        append(url, 0, b"a" * 1000)
        wrong = {"Upload_Checksum": "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
        body = bytes(2 * MIB)
        sender = threading.Thread(target=send_half, args=(url, 1000, body), kwargs=wrong)
        sender.start()
        wait_until(lambda: _size(server.data_dir / "uploads") > 1000)
        server.kill()
        sender.join(30)
        server.start()
        assert offset(url) == 1000
        append(url, 1000, bytes(4 * MIB - 1000))
    finally:
        server.stop()


def test_an_upload_found_complete_but_unfinished_is_finished_once_at_start(tmp_path: Path) -> None:
    content = b"complete" * 1000
    server = Server(tmp_path / "data", "--workers", "1").start()
    try:
        url = create(server, len(content))
        append(url, 0, content[:100])
        server.kill()
        # The state is as if the server had died between the last byte and the transaction.
        (data,) = (path for path in (server.data_dir / "uploads").rglob(task_id(url)))
        with data.open("ab") as file:
            file.write(content[100:])
        server.start()
        server.wait_for_status(task_id(url), "completed")
        assert _query(server, "SELECT count(*) FROM jobs") == [(1,)]
        assert _query(server, "SELECT count(*) FROM file_upload_history") == [(1,)]
        assert httpx.get(url).content == content
    finally:
        server.stop()


def test_a_last_byte_that_was_acknowledged_is_a_job_after_a_kill(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--workers", "0").start()
    try:
        urls = []
        for number in range(5):
            url = create(server, 100)
            append(url, 0, bytes([number]) * 100)
            urls.append(url)
        server.kill()
        assert _query(server, "SELECT count(*) FROM jobs WHERE state = 'queued'") == [(5,)]
        server.flags = ("--workers", "1")
        server.start()
        for url in urls:
            server.wait_for_status(task_id(url), "completed")
            assert offset(url) == 100
    finally:
        server.stop()


def test_a_second_server_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    import subprocess
    import sys

    with running_server(tmp_path / "data") as server:
        done = subprocess.run(
            [sys.executable, "-m", "tusd_py", "serve", "--port", "0",
             "--data-dir", str(server.data_dir)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert f"another server uses {server.data_dir}" in done.stderr + done.stdout


@pytest.mark.parametrize("lend", ["true", "false"], ids=["lent", "asgi"])
def test_an_address_that_a_104_has_sent_survives_a_kill(tmp_path: Path, lend: str) -> None:
    """Its upload is recorded before; what is full is not finished until its client says so."""
    version = {"Upload-Draft-Interop-Version": "8"}
    server = Server(tmp_path / "data", "--workers", "0", env={"TUSD_LEND_BODIES": lend}).start()
    try:
        with connected(server.url) as connection:
            first = {**version, "Upload-Complete": "?0", "Content-Length": 4, "Upload-Length": 4}
            connection.send(connection.plain("POST", server.files, **first))
            interim = connection.answer()
            server.kill()
        url = interim.headers["location"]
        server.start()
        state = httpx.head(url, headers=version)
        assert (interim.status, state.status_code, state.headers["Upload-Offset"]) == (
            104,
            204,
            "0",
        )
        typed = {**version, "Content-Type": "application/partial-upload"}
        more = {**typed, "Upload-Complete": "?0", "Upload-Offset": "0"}
        assert httpx.patch(url, headers=more, content=b"full").status_code == 204
        server.kill()
        server.start()
        state = httpx.head(url, headers=version)
        assert (state.headers["Upload-Offset"], state.headers["Upload-Complete"]) == ("4", "?0")
        last = {**typed, "Upload-Complete": "?1", "Upload-Offset": "4"}
        ended = httpx.patch(url, headers=last)
        assert (ended.status_code, ended.headers["Upload-Complete"]) == (201, "?1")
        assert httpx.get(url).content == b"full"
    finally:
        server.stop()
