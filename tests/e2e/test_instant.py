"""Instant uploads by unmodified clients, which only declare the hash by metadata."""

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import blake3
import httpx
import pytest
from support.clients import by_aiotus, by_tus_js, by_tuspy
from support.metrics import metrics
from support.server import Server
from support.tus import append, create, delete, head, offset, patch, post, task_id, upload

MIB = 1 << 20
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Sending a large body:ResourceWarning"
)
NODE = Path(__file__).parents[1] / "node"
CONTENT = random.Random(11).randbytes(9 * MIB + 5)
DECLARED = f"blake3:{blake3.blake3(CONTENT).hexdigest()}"


@pytest.fixture
def held(server: Server) -> Server:
    """Run a server that has the content in its pool."""
    server.wait_for_status(upload(server, CONTENT), "completed")
    return server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    "send",
    [
        by_tuspy,
        lambda *arguments: by_tuspy(*arguments, chunk_size=MIB),
        lambda *arguments: by_tuspy(*arguments, chunk_size=MIB, upload_checksum=True),
        by_aiotus,
        by_tus_js,
        lambda *arguments: by_tus_js(*arguments, chunkSize=MIB),
        lambda *arguments: by_tus_js(*arguments, withCreation=True),
    ],
    ids=["tuspy", "tuspy chunks", "tuspy checksums", "aiotus", "tus-js", "tus-js chunks",
         "tus-js at once"],
)  # fmt: skip
def test_a_client_ends_in_success_and_nothing_is_stored_again(
    held: Server, file: Path, send: Callable[[str, Path, str], str]
) -> None:
    before = metrics(held.url)
    url = send(held.files, file, DECLARED)
    after = metrics(held.url)
    assert after["tusd_uploads_instant_total"] == before["tusd_uploads_instant_total"] + 1
    assert after["tusd_instant_bytes_total"] == before["tusd_instant_bytes_total"] + len(CONTENT)
    assert after["tusd_received_bytes_total"] == before["tusd_received_bytes_total"]
    held.wait_for_status(task_id(url), "completed")
    assert httpx.get(url).content == CONTENT
    assert len(list((held.data_dir / "objects" / "pool").glob("*/*"))) == 1


def test_the_creation_shows_that_no_byte_is_needed(held: Server) -> None:
    digest = base64.b64encode(blake3.blake3(CONTENT).digest()).decode()
    fields = {"Origin": held.url, "Upload-Hash": f"blake3=:{digest}:"}
    made = post(held, len(CONTENT), headers=fields)
    assert made.status_code == 201
    assert made.headers["Upload-Offset"] == str(len(CONTENT))
    assert made.headers["Upload-Instant"] == "1"
    assert "Upload-Expires" not in made.headers
    assert "Upload-Instant" in made.headers["Access-Control-Expose-Headers"]
    url = made.headers["Location"]
    assert offset(url) == len(CONTENT)
    assert append(url, 0, CONTENT[:MIB]) == len(CONTENT)


def test_what_is_not_held_is_answered_like_any_upload(server: Server) -> None:
    plain, challenged = post(server, 5), post(server, 5, filehash=DECLARED)
    assert list(challenged.headers) == list(plain.headers)
    assert challenged.headers["Upload-Offset"] == plain.headers["Upload-Offset"] == "0"


def test_a_file_is_gone_with_its_last_upload(held: Server) -> None:
    url = create(held, len(CONTENT), filehash=DECLARED)
    assert offset(url) == len(CONTENT)
    tasks = httpx.get(f"{held.url}/api/file/upload/tasks").json()["tasks"]
    first = next(task["task_id"] for task in tasks if task["task_id"] != task_id(url))
    assert delete(f"{held.files}{first}").status_code == 204
    assert httpx.get(url).content == CONTENT
    assert delete(url).status_code == 204
    again = create(held, len(CONTENT), filehash=DECLARED)
    assert offset(again) == 0


def test_a_killed_server_keeps_what_was_born_complete(held: Server) -> None:
    url = create(held, len(CONTENT), filehash=DECLARED)
    held.kill()
    held.start()
    moved = f"{held.files}{task_id(url)}"
    assert offset(moved) == len(CONTENT)
    assert httpx.get(moved).content == CONTENT
    assert append(moved, 0, CONTENT) == len(CONTENT)


def ours(server: Server, file: Path, state: Path, *flags: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [
            sys.executable, "-m", "tusd_py", "upload", str(file), "--url", server.files, "--json",
            *flags,
        ],
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_our_client_hashes_first_and_sends_nothing_twice(
    held: Server, file: Path, tmp_path: Path
) -> None:
    before = metrics(held.url)["tusd_received_bytes_total"]
    lines = ours(held, file, tmp_path / "state")
    assert [line["offset"] for line in lines if "offset" in line] == [len(CONTENT)]
    assert (lines[-1]["status"], lines[-1]["instant"]) == ("completed", True)
    assert metrics(held.url)["tusd_received_bytes_total"] == before
    sent = ours(held, file, tmp_path / "state", "--no-instant")
    assert (sent[-1]["status"], sent[-1]["instant"]) == ("completed", False)
    assert metrics(held.url)["tusd_received_bytes_total"] == before + len(CONTENT)


def test_what_is_not_what_was_declared_is_dropped(server: Server) -> None:
    url = create(server, len(CONTENT), filehash=DECLARED)
    changed = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    answer = patch(url, 0, changed)
    assert (answer.status_code, answer.json()["code"]) == (460, "hash_mismatch")
    assert head(url).status_code == 410
