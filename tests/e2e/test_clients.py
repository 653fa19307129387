"""Unmodified clients against a real server: tuspy, aiotus, tus-js-client, curl's way, our own."""

import asyncio
import base64
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import aiotus
import httpx
import pytest
from support.breaking_proxy import BreakingProxy
from support.files import files_in
from support.required import require_node
from support.server import Server
from support.tus import head, task_id
from tusclient import client as tuspy

MIB = 1 << 20
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Sending a large body:ResourceWarning"
)
"""tuspy leaves its files and connections to the garbage collector."""
NODE = Path(__file__).parents[1] / "node"


@pytest.fixture(scope="module")
def content() -> bytes:
    return random.Random(7).randbytes(3 * MIB + 17)


@pytest.fixture
def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "视频 a.bin"
    path.write_bytes(content)
    return path


def arrived(server: Server, url: str, content: bytes) -> None:
    server.wait_for_status(task_id(url), "completed")
    assert httpx.get(url).content == content


# -- tuspy


@pytest.mark.parametrize(
    "options", [{}, {"chunk_size": MIB}, {"chunk_size": MIB, "upload_checksum": True}]
)
def test_tuspy_uploads(
    server: Server, file: Path, content: bytes, options: dict[str, object]
) -> None:
    uploader = tuspy.TusClient(server.files).uploader(str(file), **options)
    uploader.upload()
    arrived(server, uploader.url, content)


def test_tuspy_goes_on_where_it_stopped(server: Server, file: Path, content: bytes) -> None:
    uploader = tuspy.TusClient(server.files).uploader(
        str(file), chunk_size=MIB, metadata={"filename": "a.bin"}
    )
    uploader.upload_chunk()
    again = tuspy.TusClient(server.files).uploader(str(file), chunk_size=MIB, url=uploader.url)
    assert again.offset == MIB
    again.upload()
    arrived(server, uploader.url, content)


# -- aiotus


def test_aiotus_uploads_and_reads_its_metadata_back(server: Server, content: bytes) -> None:
    async def upload() -> tuple[str, dict[str, bytes | None]]:
        url = await aiotus.upload(
            server.files, io.BytesIO(content), {"filename": "视频.bin".encode(), "flag": None}
        )
        assert url is not None
        found = await aiotus.metadata(url)
        assert found is not None
        return str(url), dict(found)

    url, metadata = asyncio.run(upload())
    assert metadata["filename"] == "视频.bin".encode()
    arrived(server, url, content)


def test_aiotus_uploads_parts_at_once(server: Server, content: bytes) -> None:
    async def upload() -> str:
        half = len(content) // 2
        url = await aiotus.upload_multiple(
            server.files, [io.BytesIO(content[:half]), io.BytesIO(content[half:])], {}
        )
        assert url is not None
        return str(url)

    arrived(server, asyncio.run(upload()), content)


# -- tus-js-client


def node(server: Server, file: Path, endpoint: str = "", **options: object) -> dict[str, object]:
    require_node("tus-js-client")
    done = subprocess.run(
        ["node", str(NODE / "upload.mjs"), endpoint or server.files, str(file),
         json.dumps(options)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": MIB},
        {"deferLength": True, "chunkSize": MIB},
        {"parallel": 3, "buffer": True},
    ],
    ids=["whole", "chunks", "deferred", "parallel"],
)
def test_tus_js_client_uploads(
    server: Server, file: Path, content: bytes, options: dict[str, object]
) -> None:
    url = str(node(server, file, **options)["url"])
    arrived(server, url, content)


def test_tus_js_client_goes_on_where_it_stopped(server: Server, file: Path, content: bytes) -> None:
    stopped = node(server, file, chunkSize=MIB // 2, abortAt=MIB)
    assert "aborted" in stopped
    url = str(stopped["url"])
    assert str(node(server, file, url=url)["url"]) == url
    arrived(server, url, content)


def test_tus_js_client_gets_through_a_network_that_keeps_breaking(
    server: Server, file: Path, content: bytes
) -> None:
    proxy = BreakingProxy(server.port, cut_after=[700_000, 200_000, 400_000, 100_000, 900_000])
    try:
        through = f"http://127.0.0.1:{proxy.port}/files/"
        url = str(node(server, file, through, chunkSize=MIB)["url"])
        assert proxy.cuts_made == 5
        arrived(server, f"{server.files}{task_id(url)}", content)
    finally:
        proxy.close()


@pytest.mark.parametrize("protocol", ["ietf-draft-03", "ietf-draft-05"])
def test_tus_js_client_speaks_the_draft_and_goes_on(
    server: Server, file: Path, content: bytes, protocol: str
) -> None:
    # Of a file's stream this version (4.3.1) never says that the last part is the last one.
    spoken = {"protocol": protocol, "buffer": True}
    stopped = node(server, file, **spoken, chunkSize=MIB // 2, abortAt=MIB)
    assert "aborted" in stopped
    url = str(stopped["url"])
    assert str(node(server, file, **spoken, url=url)["url"]) == url
    arrived(server, url, content)
    task = httpx.get(f"{server.url}/api/file/upload/progress/{task_id(url)}").json()
    assert task["filename"] == "视频 a.bin"
    with_creation = node(server, file, **spoken, chunkSize=MIB, withCreation=True)
    arrived(server, str(with_creation["url"]), content)


# -- ours


def ours(*arguments: str, state: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tusd_py", "upload", *arguments],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_our_client_uploads_and_reports_each_stage(
    server: Server, file: Path, tmp_path: Path
) -> None:
    process = ours(str(file), "--url", server.files, "--json", state=tmp_path / "state")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0]["offset"] == 0
    assert lines[-1]["status"] == "completed"
    assert httpx.get(lines[-1]["url"]).content == file.read_bytes()


def test_our_client_gets_through_breaks_and_its_own_death(
    server: Server, file: Path, tmp_path: Path
) -> None:
    proxy = BreakingProxy(server.port, cut_after=[500_000, 300_000, 2_000_000])
    arguments = (str(file), "--url", f"http://127.0.0.1:{proxy.port}/files/", "--json")
    try:
        first = ours(*arguments, state=tmp_path / "state")
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
        first.communicate()
        again = ours(*arguments, state=tmp_path / "state")
        out, err = again.communicate(timeout=120)
        assert again.returncode == 0, err
        last = json.loads(out.splitlines()[-1])
        assert last["status"] == "completed"
        assert httpx.get(f"{server.files}{last['task_id']}").content == file.read_bytes()
        assert len(files_in(server.data_dir / "objects" / "pool")) == 1
    finally:
        proxy.close()


def test_our_client_reports_an_error_in_one_sentence(server: Server, tmp_path: Path) -> None:
    missing = ours(str(tmp_path / "nothing"), "--url", server.files, state=tmp_path)
    _, err = missing.communicate(timeout=60)
    assert missing.returncode == 1
    assert "No such file" in err
    assert "Traceback" not in err
    file = tmp_path / "a"
    file.write_bytes(b"x")
    unreachable = ours(
        str(file), "--url", "http://127.0.0.1:1/files/", "--retries", "0", state=tmp_path
    )
    _, err = unreachable.communicate(timeout=60)
    assert unreachable.returncode == 3
    assert "can't be reached" in err


def test_our_client_sends_a_folder_with_each_files_place(server: Server, tmp_path: Path) -> None:
    kept = (("in/a.txt", b"a"), ("in/deep/b.txt", b"bb"))
    for place, content in (*kept, ("in/.DS_Store", b"x"), ("in/.git/config", b"x")):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    process = ours(
        str(tmp_path / "in"), "--url", server.files, "--json", "--parallel", "2", state=tmp_path
    )
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    done = [
        each for line in out.splitlines() if (each := json.loads(line)).get("status") == "completed"
    ]
    assert len(done) == 2
    assert "hidden files left out: 2" in err
    for each in done:
        place = Path(each["file"]).relative_to(tmp_path)
        header = head(each["url"]).headers["Upload-Metadata"]
        assert f"relativePath {base64.b64encode(str(place).encode()).decode()}" in header
        assert httpx.get(each["url"]).content == Path(each["file"]).read_bytes()


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 20) + 1])
def test_our_client_sends_what_it_is_given_by_a_pipe_through_breaks(
    server: Server, tmp_path: Path, size: int
) -> None:
    content = os.urandom(size)
    proxy = BreakingProxy(server.port, cut_after=[100_000, 70_000, 300_000])
    try:
        done = subprocess.run(
            [
                ".venv/bin/tusd-py", "upload", "-", "--json", "--chunk-size", "64KiB",
                "--url", f"http://127.0.0.1:{proxy.port}/files/", "--metadata", "filename=pipe.bin",
            ],
            input=content, capture_output=True, timeout=120, check=False,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        last = json.loads(done.stdout.splitlines()[-1])
        assert (last["status"], last["file"]) == ("completed", "-")
        got = httpx.get(f"{server.files}{last['task_id']}")
        assert got.content == content
        assert "pipe.bin" in got.headers["Content-Disposition"]
    finally:
        proxy.close()


def test_a_shell_completes_commands() -> None:
    done = subprocess.run(
        [".venv/bin/tusd-py"], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "_TUSD_PY_COMPLETE": "complete_bash", "COMP_WORDS": "tusd-py up",
             "COMP_CWORD": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["upload"]
