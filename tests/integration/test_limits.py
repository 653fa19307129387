"""What one user may have, and what the disk must keep."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.cluster import Cluster
from support.files import files_in
from support.raw_http import Connection, silent_patch
from support.server import Server, running_server
from support.services import MariaDb, RabbitMq, Redis
from support.tus import append, create, delete, head, offset, patch, post, upload
from support.waiting import wait_until

KIB = 1024
LIMITS = {
    "TUSD_LIMITS__STORED_BYTES": "100KiB",
    "TUSD_LIMITS__OPEN_UPLOADS": "3",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "data", env=LIMITS) as server:
        yield server


def sources(server: Server) -> int:
    folder = server.data_dir / "uploads"
    return len(files_in(folder))


def test_more_bytes_than_the_quota_are_refused_before_they_are_sent(server: Server) -> None:
    create(server, 60 * KIB)
    held = sources(server)
    for response in (
        post(server, 41 * KIB),
        post(server, 41 * KIB, b"first"),
        post(server, 41 * KIB, bytes(41 * KIB)),
    ):
        assert (response.status_code, response.json()["code"]) == (413, "quota_exceeded")
        assert response.json()["error"] == "存储空间不足"
    assert sources(server) == held, "no refused upload was left"
    assert post(server, 40 * KIB).status_code == 201


def test_deleting_makes_room_whatever_became_of_it(server: Server) -> None:
    task = upload(server, os.urandom(100 * KIB))
    server.wait_for_status(task, "completed")
    assert post(server, 1).status_code == 413
    assert delete(f"{server.files}{task}").status_code == 204
    assert post(server, 100 * KIB).status_code == 201


def test_an_instant_upload_counts_too(server: Server) -> None:
    import blake3

    content = os.urandom(50 * KIB)
    server.wait_for_status(upload(server, content), "completed")
    digest = f"blake3:{blake3.blake3(content).hexdigest()}"
    again = post(server, len(content), filename="x", filehash=digest)
    assert again.headers["Upload-Instant"] == "1"
    third = post(server, len(content), filename="x", filehash=digest)
    assert (third.status_code, third.json()["code"]) == (413, "quota_exceeded")


def test_a_length_that_is_sent_later_is_checked_against_the_quota_then(server: Server) -> None:
    create(server, 60 * KIB)
    url = create(server, None)
    append(url, 0, b"x" * 1000)
    refused = patch(url, 1000, b"", Upload_Length=str(41 * KIB))
    assert (refused.status_code, refused.json()["code"]) == (413, "quota_exceeded")
    append(url, 1000, b"", Upload_Length=str(40 * KIB))


def test_a_form_beyond_the_quota_leaves_nothing(server: Server) -> None:
    create(server, 60 * KIB)
    held = sources(server)
    refused = httpx.post(
        f"{server.url}/api/file/upload", files={"file": ("x", os.urandom(41 * KIB))}, timeout=60
    )
    assert (refused.status_code, refused.json()["error"]) == (413, "存储空间不足")
    wait_until(lambda: sources(server) == held)


def test_the_number_of_open_uploads_is_limited(server: Server) -> None:
    urls = [create(server, 10) for _ in range(3)]
    refused = post(server, 10)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    assert int(refused.headers["Retry-After"]) > 0
    append(urls[0], 0, b"0123456789")  # Open uploads go on.
    create(server, 10)
    assert post(server, 10).status_code == 429


def test_parts_and_what_they_become_count_once(server: Server) -> None:
    content = bytes(50 * KIB)
    parts = [create(server, len(content), content, concat="partial") for _ in range(2)]
    create(server, None, concat=f"final;{' '.join(parts)}")
    assert post(server, 1).status_code == 413


def test_what_would_fill_the_disk_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    """The answer is 507, which clients repeat: the reason may pass."""
    free = shutil.disk_usage(tmp_path).free
    reserve = {"TUSD_LIMITS__DISK_RESERVE": str(free // 2), "TUSD_MAX_SIZE": "0"}
    with running_server(tmp_path / "data", "--workers", "0", env=reserve) as server:
        refused = post(server, free)
        assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
        assert refused.headers["Retry-After"]
        assert sources(server) == 0
        assert post(server, 10).status_code == 201


RATES = {"TUSD_LIMITS__REQUESTS": "10", "TUSD_LIMITS__WINDOW": "1h"}


def test_more_requests_than_allowed_are_refused_and_uploads_go_on(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "0", env=RATES) as server:
        url = create(server, 10)
        task = url.rpartition("/")[2]
        answers = [
            httpx.get(f"{server.url}/api/file/upload/progress/{task}").status_code
            for _ in range(12)
        ]
        assert answers == [200] * 9 + [429] * 3
        refused = post(server, 10)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.json()["error"] == "请求过于频繁，请稍后再试"
        assert 0 < int(refused.headers["Retry-After"]) <= 360
        for at, piece in enumerate(b"0123456789"):
            assert head(url).status_code == 200
            append(url, at, bytes([piece]))
        assert delete(url).status_code == 204


def test_two_servers_count_together(
    tmp_path: Path, mariadb: MariaDb, redis_server: Redis, rabbitmq: RabbitMq
) -> None:
    redis_server.clear()
    cluster = Cluster(tmp_path / "data", mariadb, redis_server, rabbitmq)
    cluster.env.update(RATES)
    try:
        servers = [cluster.add_server() for _ in range(2)]
        tasks = "/api/file/upload/tasks"
        seen = [httpx.get(servers[n % 2].url + tasks).status_code for n in range(30)]
        assert seen == [200] * 10 + [429] * 20
    finally:
        cluster.close()


@pytest.mark.parametrize("lends", ["true", "false"])
def test_a_body_is_slowed_and_not_refused_and_let_go_of_at_once(tmp_path: Path, lends: str) -> None:
    """A body that exceeds its rate waits for its turn; a newer request does not wait."""
    env = {"TUSD_LIMITS__BYTES_PER_SECOND": "1KiB", "TUSD_LEND_BODIES": lends}
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        # The body is larger than what is ever held in memory for a body that must wait.
        content = os.urandom(32 << 20)
        url = create(server, len(content))
        path = server.file_of(url)
        with silent_patch(url, 0, len(content)) as slowed:
            sending = threading.Thread(target=_send_all, args=(slowed, content))
            sending.start()
            # By now it must wait for more than a minute.
            wait_until(lambda: path.stat().st_size >= 64 * KIB)
            assert path.stat().st_size < len(content)
            held = offset(url)
            assert held >= 64 * KIB
            sending.join(30)
            assert not sending.is_alive()
        assert path.read_bytes()[:held] == content[:held]


def _send_all(slowed: Connection, content: bytes) -> None:
    with suppress(OSError):  # The lock is released.
        slowed.send(content)
