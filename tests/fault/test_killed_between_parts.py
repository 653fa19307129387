"""After kill -9 of a worker in a put the next one sends what is missing (requirement S19)."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import blake3
import httpx
import pytest
from support.oss.configured import environment_of
from support.oss.process import OssProcess
from support.oss.server import BUCKET
from support.server import running_server
from support.tus import upload
from support.waiting import wait_until
from support.workers import running_worker

MIB = 1 << 20
SIZE = int(os.environ.get("PARTS_MIB", "48")) * MIB
"""``PARTS_MIB=1024`` tests the full size."""
PART = int(os.environ.get("PART_MIB", "5")) * MIB
KILLED_AFTER = 4
FAST = {
    "TUSD_JOBS__LEASE": "3s",
    "TUSD_JOBS__RENEW_EVERY": "0.5s",
    "TUSD_JOBS__REAP_EVERY": "0.2s",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
    "TUSD_OBJECTS__PART_SIZE": str(PART),
    "TUSD_OBJECTS__THREADS": "2",
}


@pytest.fixture
def oss() -> Iterator[OssProcess]:
    server = OssProcess()
    try:
        server.start()
        yield server
    finally:
        server.close()


def at(oss: OssProcess) -> dict[str, str]:
    return {**FAST, **environment_of(oss.url)}


def parts(oss: OssProcess) -> set[int]:
    """Return the numbers of the parts that arrived.

    A part that a worker was sending when it died may arrive after that.
    """
    return {call.part_number or 0 for call in oss.calls("part") if call.status == 200}


def in_the_ledger(data_dir: Path) -> list[int]:
    """Return the numbers of the parts that the dead worker recorded in the catalog."""
    database = sqlite3.connect(data_dir / "catalog.sqlite3")
    try:
        return [row[0] for row in database.execute("SELECT number FROM object_parts")]
    finally:
        database.close()


def test_the_next_worker_sends_only_the_parts_that_are_missing(
    oss: OssProcess, tmp_path: Path
) -> None:
    env = at(oss)
    source = tmp_path / "large.bin"
    with source.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        task = upload(server, source)
        with running_worker(
            server.data_dir, env, TUSD_FAIL=f"part_stored:exit:{KILLED_AFTER}"
        ) as first:
            assert first.wait(300) == 137
        before = server.progress(task)
        known = in_the_ledger(server.data_dir)
        assert len(known) >= KILLED_AFTER
        assert set(known) <= parts(oss)
        oss.clear_calls()
        with running_worker(server.data_dir, env):
            done = server.wait_for_status(task, "completed", timeout=300)
        again = parts(oss)
        total = -(-SIZE // PART)
        assert again == set(range(1, total + 1)) - set(known)
        assert len(oss.calls("init")) == 0
        assert int(str(before["progress"])) >= 70
        assert str(done["oss_path"]).startswith(f"{oss.url}/{BUCKET}/pool/")
        content = httpx.get(f"{server.files}{task}", follow_redirects=True, timeout=60).content
        with source.open("rb") as file:
            assert blake3.blake3(content).digest() == blake3.blake3(file.read()).digest()
    print(f"{total} parts: {len(known)} before the kill, {len(again)} after it")  # noqa: T201


def test_a_store_that_is_away_is_waited_for(oss: OssProcess, tmp_path: Path) -> None:
    env = {**at(oss), "TUSD_JOBS__BACKOFF": "3s", "TUSD_JOBS__MAX_ATTEMPTS": "100"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        server.wait_for_status(upload(server, b"before"), "completed")
        oss.kill()
        task = upload(server, b"meanwhile")
        wait_until(lambda: "重试中" in str(server.progress(task)["message"]), timeout=60)
        oss.start()
        server.wait_for_status(task, "completed")
