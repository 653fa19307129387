"""A disk that is full to its last block: what can still be answered, removed and finished."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.server import Server, running_server
from support.small_disk import fill, free_bytes, small_disk
from support.tus import TUS, append, create, delete, head, offset, patch, post, task_id
from support.waiting import wait_until

from tusd_py.spare_space import PIECE_BYTES

MIB = 1 << 20
RESERVE = 16 * MIB
PIECES = RESERVE // 4 // PIECE_BYTES
ENV = {"TUSD_LIMITS__DISK_RESERVE": "16MiB"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 80, kind="ext4") as mount:
        yield mount


def send_until_refused(url: str, reached: int = 0) -> tuple[httpx.Response, int]:
    """Send bodies of 8 MiB until one is refused; return the refusal and the offset."""
    while True:
        answer = patch(url, reached, bytes(8 * MIB))
        if answer.status_code != 204:
            return answer, offset(url)
        reached += 8 * MIB


def assert_reads_go_on(server: Server, url: str, finished: str) -> None:
    assert head(url).status_code == 200
    assert httpx.options(server.files, headers=TUS).status_code == 204
    assert httpx.get(finished, headers=TUS).content == b"whole"
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert server.progress(task_id(url))["status"] == "pending"
    with httpx.stream("GET", f"{server.url}/api/file/upload/events/{task_id(url)}") as events:
        assert "pending" in next(line for line in events.iter_lines() if line.startswith("data:"))
    ready = httpx.get(f"{server.url}/readyz")
    assert ready.status_code == 200, "it must not be taken out of service: nothing could be deleted"
    assert ready.json()["status"] == "degraded"
    assert ready.json()["checks"]["disk"]["reason"] == "The data directory is almost full."


def assert_writes_are_refused(server: Server, url: str) -> None:
    new, small = post(server, 1), post(server, 1, b"1")
    form = httpx.post(f"{server.url}/api/file/upload", files={"file": ("a.txt", b"1")})
    more = patch(url, offset(url), b"1")
    for answer in (new, small, form, more):
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full"), answer.text
        assert answer.headers["Retry-After"]


def assert_deletions_need_nothing_from_others(server: Server, disk: Path, urls: list[str]) -> None:
    spare, ballast = server.data_dir / "spare", disk / "another program's"
    used = False
    for url in urls:
        # The other program at once takes all space that the databases give up.
        fill(ballast)
        assert delete(url).status_code == 204
        used = used or len(list(spare.iterdir())) < PIECES
    assert used, "the databases did not need the reserve: the test proves nothing"
    ballast.unlink()
    wait_until(lambda: len(list(spare.iterdir())) == PIECES)
    assert sum(path.stat().st_blocks * 512 for path in spare.iterdir()) >= RESERVE // 4


def test_bodies_stop_at_the_reserve_and_a_full_disk_can_be_emptied(disk: Path) -> None:
    ballast = disk / "another program's"
    with running_server(disk / "data", "--workers", "0", env=ENV) as server:
        finished = create(server, 5, body=b"whole")
        tiny = [create(server, 10, body=b"a") for _ in range(8)]
        others, greedy = create(server, 100_000), create(server, None)
        append(others, 0, b"a" * 1000)
        refusal, reached = send_until_refused(greedy)
        assert (refusal.status_code, refusal.json()["code"]) == (507, "storage_full")
        assert refusal.headers["Retry-After"]
        assert reached > 30 * MIB
        assert free_bytes(disk) > RESERVE - MIB
        fill(ballast)
        assert free_bytes(disk) == 0
        assert_reads_go_on(server, greedy, finished)
        assert_writes_are_refused(server, others)
        assert delete(greedy).status_code == 204
        assert free_bytes(disk) > reached - 10 * MIB
        append(others, 1000, b"b" * 99_000)
        assert server.progress(task_id(others))["status"] == "received"
        assert_deletions_need_nothing_from_others(server, disk, tiny)

        left = [create(server, 2 * MIB, body=bytes(MIB)) for _ in range(10)]
        fill(ballast)
        assert len(server.lines) < 100, "the log is flooded"
        server.kill()
        fill(ballast)
        server.env["TUSD_UPLOAD_EXPIRES"] = "1"
        server.start()
        wait_until(lambda: {head(url).status_code for url in left} == {410}, timeout=60)
        wait_until(lambda: free_bytes(disk) > 5 * MIB)
        assert httpx.get(finished, headers=TUS).content == b"whole"
        assert len(server.lines) < 100, "the log is flooded"


def test_several_processes_start_on_a_full_disk(disk: Path) -> None:
    flags = ("--workers", "0", "--processes", "2")
    with running_server(disk / "data", *flags, env=ENV) as server:
        finished = create(server, 5, body=b"whole")
        left = create(server, 2 * MIB, body=bytes(MIB))
        server.kill()
        fill(disk / "another program's")
        assert free_bytes(disk) == 0
        server.start()
        assert httpx.get(finished, headers=TUS).content == b"whole"
        assert delete(left).status_code == 204
        assert free_bytes(disk) > 0
