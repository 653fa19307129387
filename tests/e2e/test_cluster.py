"""Two servers and their workers on RabbitMQ, Redis and MariaDB: to a client, one server."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import blake3
import httpx
import pytest
from support.cluster import Cluster, running_cluster
from support.media import video
from support.metrics import metrics
from support.raw_http import connected, silent_patch
from support.server import Server
from support.services import MariaDb, RabbitMq, Redis
from support.task_states import may_follow
from support.tus import TUS, append, create, offset, upload
from support.waiting import wait_until

from tusd_py.jobs.queue.rabbitmq import RabbitMqQueue


@pytest.fixture
def cluster(
    tmp_path: Path, mariadb: MariaDb, redis_server: Redis, rabbitmq: RabbitMq
) -> Iterator[Cluster]:
    redis_server.clear()
    with running_cluster(
        tmp_path / "data", mariadb, redis_server, rabbitmq, servers=2, workers=2
    ) as running:
        yield running


class Following:
    """Reads a task's Server-Sent Events from one server."""

    def __init__(self, server: Server, task_id: str) -> None:
        self.seen: list[dict[str, object]] = []
        self._thread = threading.Thread(target=self._read, args=(server, task_id), daemon=True)
        self._thread.start()

    def _read(self, server: Server, task_id: str) -> None:
        url = f"{server.url}/api/file/upload/events/{task_id}"
        with httpx.stream("GET", url, timeout=60) as response:
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    self.seen.append(json.loads(line.removeprefix("data: ")))

    def finished(self) -> list[dict[str, object]]:
        """Return all events, once the stream has ended."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.seen


def at(server: Server, url: str) -> str:
    """Return the upload's address at another server."""
    return f"{server.url}{urlsplit(url).path}"


def checksum(chunk: bytes) -> str:
    return "sha1 " + base64.b64encode(hashlib.sha1(chunk).digest()).decode()


def test_an_upload_may_alternate_between_servers_and_is_followed_from_either(
    cluster: Cluster, tmp_path: Path
) -> None:
    here, there = cluster.servers
    content = video(tmp_path / "clip.mp4").read_bytes()
    url = create(here, len(content), filename="clip.mp4")
    task_id = url.rpartition("/")[2]
    following = Following(there, task_id)
    wait_until(lambda: following.seen)
    step = len(content) // 9 + 1
    for number, start in enumerate(range(0, len(content), step)):
        chunk = content[start : start + step]
        server = cluster.servers[number % 2]
        append(at(server, url), start, chunk, Upload_Checksum=checksum(chunk))
        other = cluster.servers[(number + 1) % 2]
        assert offset(at(other, url)) == start + len(chunk)
    seen = following.finished()
    states = [str(event["status"]) for event in seen]
    assert states == sorted(states, key=ORDER.index)
    assert {"pending", "received", "processing", "compressing", "uploading_oss"} <= set(states)
    assert states[-1] == "completed"
    progress = [int(str(event["progress"])) for event in seen]
    assert progress == sorted(progress)
    assert len({event["epoch"] for event in seen}) == 1
    numbers = [(event["seq"], event.get("queue_position")) for event in seen]
    assert all(may_follow(*pair) for pair in pairwise(numbers)), numbers
    stored = httpx.get(at(there, url), headers=TUS)
    key = seen[-1]["oss_path"]
    assert blake3.blake3(stored.content).hexdigest() in str(key)


ORDER = [
    "pending", "received", "processing", "compressing", "uploading_oss", "completed", "failed",
]  # fmt: skip


def test_a_request_at_one_server_takes_over_from_a_silent_one_at_the_other(
    cluster: Cluster,
) -> None:
    here, there = cluster.servers
    content = os.urandom(1 << 20)
    url = create(here, len(content))
    with silent_patch(url, 0, len(content), content[:300_000]):
        wait_until(lambda: _size(cluster, url) == 300_000)
        assert offset(at(there, url)) == 300_000
        append(at(there, url), 300_000, content[300_000:])
    there.wait_for_status(url.rpartition("/")[2], "completed")
    assert httpx.get(url, headers=TUS).content == content


def _size(cluster: Cluster, url: str) -> int:
    task_id = url.rpartition("/")[2]
    return (cluster.data_dir / "uploads" / task_id[:2] / task_id).stat().st_size


def test_what_the_draft_begins_at_one_server_ends_at_the_other(cluster: Cluster) -> None:
    first, second = cluster.servers
    fields = {"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?1"}
    with connected(first.url) as connection:
        connection.send(
            connection.plain("POST", first.files, **fields, Content_Length=10), b"12345"
        )
        interim = connection.answer()
        assert interim.status == 104
        url = at(second, interim.headers["location"])
        # The body is still open at the first server: it is taken over.
        state = httpx.head(url, headers=fields)
        assert (state.status_code, state.headers["Upload-Complete"]) == (204, "?0")
        at_offset = {"Upload-Offset": state.headers["Upload-Offset"]}
        ended = httpx.patch(
            url,
            content=b"1234567890"[int(at_offset["Upload-Offset"]) :],
            headers={**fields, **at_offset, "Content-Type": "application/partial-upload"},
        )
    assert (ended.status_code, ended.headers["Upload-Complete"]) == (201, "?1")
    assert httpx.get(url).content == b"1234567890"


def test_a_server_killed_during_a_patch_costs_only_the_way_to_the_other(cluster: Cluster) -> None:
    here, there = cluster.servers
    content = os.urandom(4 << 20)
    url = create(here, len(content))
    with silent_patch(url, 0, len(content), content[: 2 << 20]):
        wait_until(lambda: _size(cluster, url) == 2 << 20)
        here.kill()
        reached = offset(at(there, url))
        assert reached == 2 << 20
    append(at(there, url), reached, content[reached:])
    there.wait_for_status(url.rpartition("/")[2], "completed")
    assert httpx.get(at(there, url), headers=TUS).content == content


def test_many_equal_files_at_both_servers_are_one_file(cluster: Cluster) -> None:
    content = os.urandom(100_000)
    tasks: list[tuple[Server, str]] = []

    def upload_it(server: Server) -> None:
        tasks.append((server, upload(server, content)))

    threads = [
        threading.Thread(target=upload_it, args=(cluster.servers[number % 2],))
        for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = [server.wait_for_status(task, "completed") for server, task in tasks]
    assert len(ends) == 10
    assert len({end["repository_id"] for end in ends}) == 1


def test_a_sleeping_worker_changes_nothing_when_it_wakes(cluster: Cluster, tmp_path: Path) -> None:
    here = cluster.servers[0]
    for worker in cluster.workers:
        worker.terminate()
        worker.wait(30)
    # Its other threads are in no transaction then: that case is in test_mysql.py.
    quiet = {f"TUSD_JOBS__{name}_EVERY": "600s" for name in ("RENEW", "REAP", "RELAY", "JANITOR")}
    sleeper = cluster.add_worker(TUSD_FAIL="before_record:stop", **quiet)
    task = upload(here, video(tmp_path / "clip.mp4"))
    wait_until(lambda: _stopped(sleeper.pid), timeout=60)
    cluster.add_worker()
    done = here.wait_for_status(task, "completed")
    sleeper.send_signal(signal.SIGCONT)
    again = upload(here, os.urandom(1000))
    here.wait_for_status(again, "completed")
    assert here.progress(task) == done


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _dead_letters(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tusd_py", "dead-letters", *arguments]
    return subprocess.run(
        [*command, "--data-dir", str(cluster.data_dir)],
        env={**os.environ, **cluster.env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_poison_is_put_aside_with_its_reason_and_comes_back_by_hand(cluster: Cluster) -> None:
    here = cluster.servers[0]
    queue = RabbitMqQueue(cluster.queue_url)
    queue.publish_payload(b'{"v": 9, "TaskID": "a message of tomorrow"}')
    wait_until(lambda: "message " in _dead_letters(cluster, "list").stdout)
    for worker in cluster.workers:
        worker.terminate()
        worker.wait(30)
    task = upload(here, b"poison" * 100)
    for _ in range(3):
        crashing = cluster.add_worker(TUSD_FAIL="before_inspect:exit")
        assert crashing.wait(60) == 137
    cluster.add_worker()
    assert here.wait_for_status(task, "failed")["error_code"] == "poison"
    job, letter = _dead_letters(cluster, "list").stdout.splitlines()
    assert job.startswith(task)
    assert "poison  Storing this file stopped the worker several times." in job
    assert "not a job message" in letter
    assert "a message of tomorrow" in letter
    name = letter.split()[1]
    again = _dead_letters(cluster, "retry", task, name)
    assert again.returncode == 0, again.stderr
    here.wait_for_status(task, "completed")
    # The message is as unreadable as before: it becomes a dead letter once more.
    wait_until(lambda: name in _dead_letters(cluster, "list").stdout)
    assert _dead_letters(cluster, "drop", name).returncode == 0
    assert _dead_letters(cluster, "list").stdout == ""
    assert _dead_letters(cluster, "drop", name).returncode == 1
    queue.close()


def test_with_the_broker_away_a_finish_is_accepted_and_its_job_runs(
    tmp_path: Path, mariadb: MariaDb, redis_server: Redis
) -> None:
    broker = RabbitMq()
    try:
        broker.start()
        with running_cluster(
            tmp_path / "data", mariadb, redis_server, broker, servers=1, workers=0
        ) as cluster:
            server = cluster.servers[0]
            broker.terminate()
            task = upload(server, b"meanwhile")
            assert server.progress(task)["status"] == "received"
            wait_until(lambda: metrics(server.url)["tusd_outbox_rows,job"] == 1)
            # A worker finds the job in the catalog, without a message.
            cluster.add_worker()
            server.wait_for_status(task, "completed")
            broker.start()
            wait_until(lambda: metrics(server.url)["tusd_outbox_rows,job"] == 0)
            server.wait_for_status(upload(server, b"after"), "completed")
    finally:
        broker.close()


def test_with_redis_away_uploads_and_jobs_go_on_and_the_history_shows_it(
    tmp_path: Path, mariadb: MariaDb, rabbitmq: RabbitMq
) -> None:
    view = Redis()
    try:
        view.start()
        with running_cluster(
            tmp_path / "data", mariadb, view, rabbitmq, servers=1, workers=1
        ) as cluster:
            server = cluster.servers[0]
            before = upload(server, b"before")
            server.wait_for_status(before, "completed")
            view.kill()
            task = upload(server, b"meanwhile")
            server.wait_for_status(task, "completed")
            listed = httpx.get(f"{server.url}/api/file/upload/tasks").json()
            assert {entry["task_id"] for entry in listed["tasks"]} == {before, task}
            view.start()
            following = Following(server, task)
            assert following.finished()[-1]["status"] == "completed"
    finally:
        view.close()


def test_streams_outlive_redis_and_new_ones_open_without_it(
    tmp_path: Path, mariadb: MariaDb, rabbitmq: RabbitMq
) -> None:
    view = Redis()
    try:
        view.start()
        with running_cluster(
            tmp_path / "data", mariadb, view, rabbitmq, servers=1, workers=0
        ) as cluster:
            server = cluster.servers[0]
            content = os.urandom(10_000)
            url = create(server, len(content))
            task = url.rpartition("/")[2]
            before = Following(server, task)
            wait_until(lambda: before.seen)
            view.kill()
            during = Following(server, task)
            wait_until(lambda: during.seen)
            assert during.seen[0]["status"] == "pending"
            append(url, 0, content)
            cluster.add_worker()
            for following in (before, during):
                last = following.finished()[-1]
                assert (last["status"], last["progress"]) == ("completed", 100)
                assert last["repository_id"]
    finally:
        view.close()


def test_streams_outlive_a_flushed_redis(cluster: Cluster, redis_server: Redis) -> None:
    here, there = cluster.servers
    content = os.urandom(10_000)
    url = create(here, len(content))
    task = url.rpartition("/")[2]
    before = Following(here, task)
    wait_until(lambda: before.seen)
    redis_server.clear()
    assert here.progress(task)["status"] == "pending"
    after = Following(there, task)
    wait_until(lambda: after.seen)
    append(url, 0, content)
    for following in (before, after):
        seen = following.finished()
        assert seen[-1]["status"] == "completed"
        progress = [int(str(event["progress"])) for event in seen]
        assert progress == sorted(progress)
