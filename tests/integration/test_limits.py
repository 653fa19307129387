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
from support.server import Server, running_server
from support.services import MariaDb, RabbitMq, Redis
from support.silent_patch import SilentPatch
from support.tus import BODY, TUS, create, metadata, patch, send
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


def create_upload(server: Server, length: int | None, body: bytes | None = None) -> httpx.Response:
    length_field = (
        {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    )
    headers = {**TUS, **length_field, **(BODY if body is not None else {})}
    return httpx.post(server.files, headers=headers, content=body or b"", timeout=60)


def sources(server: Server) -> int:
    folder = server.data_dir / "uploads"
    return sum(len(files) for _, _, files in os.walk(folder))


def test_more_bytes_than_the_quota_are_refused_before_they_are_sent(server: Server) -> None:
    create(server, 60 * KIB)
    held = sources(server)
    for response in (
        create_upload(server, 41 * KIB),
        create_upload(server, 41 * KIB, b"first"),
        create_upload(server, 41 * KIB, bytes(41 * KIB)),
    ):
        assert (response.status_code, response.json()["code"]) == (413, "quota_exceeded")
        assert response.json()["error"] == "存储空间不足"
    assert sources(server) == held, "no refused upload was left"
    assert create_upload(server, 40 * KIB).status_code == 201


def test_deleting_makes_room_whatever_became_of_it(server: Server) -> None:
    task = send(server, os.urandom(100 * KIB))
    server.wait_for_status(task, "completed")
    assert create_upload(server, 1).status_code == 413
    assert httpx.delete(f"{server.files}{task}", headers=TUS).status_code == 204
    assert create_upload(server, 100 * KIB).status_code == 201


def test_an_instant_upload_counts_too(server: Server) -> None:
    import blake3

    content = os.urandom(50 * KIB)
    server.wait_for_status(send(server, content), "completed")
    digest = metadata(filename="x", filehash=f"blake3:{blake3.blake3(content).hexdigest()}")
    headers = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": digest}
    again = httpx.post(server.files, headers=headers)
    assert again.headers["Upload-Instant"] == "1"
    third = httpx.post(server.files, headers=headers)
    assert (third.status_code, third.json()["code"]) == (413, "quota_exceeded")


def test_a_length_that_is_sent_later_is_checked_against_the_quota_then(server: Server) -> None:
    create(server, 60 * KIB)
    url = create_upload(server, None).headers["Location"]
    assert patch(url, 0, b"x" * 1000).status_code == 204
    refused = patch(url, 1000, b"", Upload_Length=str(41 * KIB))
    assert (refused.status_code, refused.json()["code"]) == (413, "quota_exceeded")
    assert patch(url, 1000, b"", Upload_Length=str(40 * KIB)).status_code == 204


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
    refused = create_upload(server, 10)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    assert int(refused.headers["Retry-After"]) > 0
    assert patch(urls[0], 0, b"0123456789").status_code == 204, "open uploads go on"
    create(server, 10)
    assert create_upload(server, 10).status_code == 429


def test_parts_and_what_they_become_count_once(server: Server) -> None:
    parts = [
        httpx.post(
            server.files,
            headers={**BODY, "Upload-Length": str(50 * KIB), "Upload-Concat": "partial"},
            content=bytes(50 * KIB),
        ).headers["Location"]
        for _ in range(2)
    ]
    final = {"Upload-Concat": f"final;{' '.join(parts)}"}
    made = httpx.post(server.files, headers={**TUS, **final})
    assert made.status_code == 201, made.text
    assert create_upload(server, 1).status_code == 413


def test_what_would_fill_the_disk_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    """The answer is 507, which clients repeat: the reason may pass."""
    free = shutil.disk_usage(tmp_path).free
    reserve = {"TUSD_LIMITS__DISK_RESERVE": str(free // 2), "TUSD_MAX_SIZE": "0"}
    with running_server(tmp_path / "data", "--workers", "0", env=reserve) as server:
        refused = create_upload(server, free)
        assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
        assert refused.headers["Retry-After"]
        assert sources(server) == 0
        assert create_upload(server, 10).status_code == 201


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
        refused = create_upload(server, 10)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.json()["error"] == "请求过于频繁，请稍后再试"
        assert 0 < int(refused.headers["Retry-After"]) <= 360
        for offset, piece in enumerate(b"0123456789"):
            assert httpx.head(url, headers=TUS).status_code == 200
            assert patch(url, offset, bytes([piece])).status_code == 204
        assert httpx.delete(url, headers=TUS).status_code == 204


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
        path = server.data_dir / "uploads" / url.rpartition("/")[2][:2] / url.rpartition("/")[2]
        with SilentPatch(url, 0, len(content)) as slowed:
            sending = threading.Thread(target=_send_all, args=(slowed, content))
            sending.start()
            # By now it must wait for more than a minute.
            wait_until(lambda: path.stat().st_size >= 64 * KIB)
            assert path.stat().st_size < len(content)
            held = int(httpx.head(url, headers=TUS).headers["Upload-Offset"])
            assert held >= 64 * KIB
            sending.join(30)
            assert not sending.is_alive()
        assert path.read_bytes()[:held] == content[:held]


def _send_all(slowed: SilentPatch, content: bytes) -> None:
    with suppress(OSError):  # The lock is released.
        slowed.send(content)
