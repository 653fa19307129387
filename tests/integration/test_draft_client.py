"""Our own client and command send files by the IETF's draft, to a real server."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.breaking_proxy import BreakingProxy
from support.cutting_proxy import CuttingProxy
from support.interrupted import SLOW_UP_TO_RESTART, arrived
from support.metrics import metrics
from support.server import Server, running_server
from support.terminal import PROGRAM
from support.tus import task_id
from support.waiting import wait_until

from tusd_py.client import AsyncClient, Client, IetfDraft, Options, Refused, Tus, Unreachable
from tusd_py.client.resumable import ResumableProtocol
from tusd_py.client.resume_store import ResumeStore
from tusd_py.protocol.ietf.versions import VERSIONS, Version

MIB = 1 << 20
LARGEST = 16 * MIB


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("draft-client") / "data"
    with running_server(folder, "--workers", "1", "--max-size", str(LARGEST)) as started:
        yield started
    assert "Traceback" not in "\n".join(started.lines)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file.bin"
    path.write_bytes(os.urandom(3 * MIB))
    return path


def options(tmp_path: Path, protocol: ResumableProtocol, **more: Any) -> Options:
    store = ResumeStore(tmp_path / "state")
    return Options(protocol=protocol, resume_store=store, longest_pause=0.1, **more)


def check_stored(server: Server, url: str, content: bytes) -> None:
    """Wait for the end of the processing, and compare every byte."""
    server.wait_for_status(task_id(url), "completed")
    assert httpx.get(f"{server.files}{task_id(url)}").content == content


def begun_by(url: str) -> str:
    """Return the protocol by which a complete upload was begun."""
    return "ietf" if "Upload-Complete" in httpx.head(url).headers else "tus"


def run(tmp_path: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(PROGRAM), "upload", "--protocol", "ietf", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "LC_ALL": "C", **env},
    )


def test_the_command_sends_files_and_reports_as_by_tus(
    server: Server, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.txt").touch()
    done = run(
        tmp_path, str(file), str(tmp_path / "empty.txt"), "--url", server.files, "--json",
        "--metadata", "note=视频", "--chunk-size", "1MiB",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"file": str(file), "offset": 0, "size": 3 * MIB} in lines
    completed = {line["file"]: line["url"] for line in lines if line.get("status") == "completed"}
    for path in (file, tmp_path / "empty.txt"):
        url = completed[str(path)]
        assert begun_by(url) == "ietf"
        assert httpx.get(url).content == path.read_bytes()
        assert server.progress(task_id(url))["filename"] == path.name
    metadata = httpx.head(completed[str(file)], headers={"Tus-Resumable": "1.0.0"})
    assert "mtime " in metadata.headers["Upload-Metadata"]
    assert "note " in metadata.headers["Upload-Metadata"]


@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda version: f"{version.number}")
def test_each_version_gets_through_breaks(
    server: Server, file: Path, tmp_path: Path, version: Version
) -> None:
    proxy = BreakingProxy(server.port, cut_after=[700_000, 300_000, 900_000])
    try:
        with Client(
            f"http://127.0.0.1:{proxy.port}/files/",
            options=options(tmp_path, IetfDraft(version)),
        ) as client:
            sent = client.upload(file, instant=False)
        assert proxy.cuts_made == 3
    finally:
        proxy.close()
    assert begun_by(f"{server.files}{task_id(sent.url)}") == "ietf"
    check_stored(server, sent.url, file.read_bytes())


@pytest.mark.parametrize("word", [b"POST /files/", b"the end"])
def test_an_answer_that_was_lost_is_not_the_end(
    server: Server, tmp_path: Path, word: bytes
) -> None:
    (tmp_path / "file").write_bytes(os.urandom(1000) + b"the end")
    proxy = CuttingProxy(server.port)
    proxy.cut_at(word, pass_on=True)
    try:
        with Client(
            f"http://127.0.0.1:{proxy.port}/files/", options=options(tmp_path, IetfDraft())
        ) as client:
            client.tasks()
            sent = client.upload(tmp_path / "file", instant=False)
    finally:
        proxy.close()
    assert proxy.cut.is_set()
    check_stored(server, sent.url, (tmp_path / "file").read_bytes())


@pytest.mark.parametrize(
    ("first", "second"),
    [(IetfDraft(), IetfDraft()), (Tus(), IetfDraft()), (IetfDraft(), Tus())],
    ids=["draft", "from tus to draft", "from draft to tus"],
)
def test_a_later_run_goes_on_by_either_protocol(
    server: Server, file: Path, tmp_path: Path, first: ResumableProtocol, second: ResumableProtocol
) -> None:
    proxy = BreakingProxy(server.port, cut_after=[MIB, 1])
    endpoint = f"http://127.0.0.1:{proxy.port}/files/"
    try:
        with (
            Client(endpoint, options=options(tmp_path, first, retries=0)) as client,
            pytest.raises(Unreachable),
        ):
            client.upload(file, instant=False)
        with Client(endpoint, options=options(tmp_path, second)) as client:
            assert client.has_saved_upload(file)
            sent = client.upload(file, instant=False)
            assert not client.has_saved_upload(file)
    finally:
        proxy.close()
    assert 0 < sent.resumed_at < 3 * MIB
    check_stored(server, sent.url, file.read_bytes())


def test_a_server_that_is_killed_and_comes_back_keeps_what_it_had(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(os.urandom(24 * MIB))
    with (
        running_server(tmp_path / "data", "--workers", "1", env=SLOW_UP_TO_RESTART) as server,
        Client(server.files, options=options(tmp_path, IetfDraft(), retries=600)) as client,
        ThreadPoolExecutor(1) as thread,
    ):
        sending = thread.submit(client.upload, file, instant=False)
        wait_until(lambda: arrived(server) > 4 * MIB, timeout=60)
        server.kill()
        before = arrived(server)
        server.env["TUSD_LIMITS__BYTES_PER_SECOND"] = "64MiB"
        server.start()
        sent = sending.result(120)
        assert 4 * MIB < before < 24 * MIB
        # What had arrived was not sent again.
        assert metrics(server.url)["tusd_received_bytes_total"] + before == 24 * MIB
        check_stored(server, sent.url, file.read_bytes())


def test_what_the_server_holds_is_not_sent(server: Server, file: Path, tmp_path: Path) -> None:
    async def twice() -> list[bool]:
        async with AsyncClient(server.files, options=options(tmp_path, IetfDraft())) as client:
            sent = [await client.upload(file) for _ in range(2)]
            await client.wait(sent[0])
            sent.append(await client.upload(file))
        for each in sent:
            check_stored(server, each.url, file.read_bytes())
        return [each.instant for each in sent]

    first, _, third = asyncio.run(twice())
    assert (first, third) == (False, True)


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 20) + 1])
def test_a_stream_is_sent_through_breaks(server: Server, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    proxy = BreakingProxy(server.port, cut_after=[100_000, 70_000, 300_000])
    try:
        with Client(
            f"http://127.0.0.1:{proxy.port}/files/",
            options=options(tmp_path, IetfDraft(), chunk_bytes=1 << 16),
        ) as client:
            sent = client.upload_stream(BytesIO(content), {"filename": "pipe.bin"})
    finally:
        proxy.close()
    check_stored(server, sent.url, content)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("C", "The file is larger than the limit of"), ("zh_CN.UTF-8", "文件超过")],
)
def test_a_refusal_is_in_the_readers_language(
    server: Server, tmp_path: Path, language: str, sentence: str
) -> None:
    (tmp_path / "large").write_bytes(bytes(LARGEST + 1))
    done = run(tmp_path, str(tmp_path / "large"), "--url", server.files, LC_ALL=language)
    assert done.returncode == 1, done.stderr
    assert sentence in done.stdout + done.stderr


def test_a_stream_that_is_too_long_is_refused(server: Server, tmp_path: Path) -> None:
    endless = BytesIO(bytes(LARGEST + 1))
    with (
        Client(server.files, options=options(tmp_path, IetfDraft())) as client,
        pytest.raises(Refused, match="larger"),
    ):
        client.upload_stream(endless)
