"""The live view on a real Redis: the original design's keys, and the effects of its death."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from support.clock import FakeClock
from support.ids import fresh_id
from support.services import Redis
from support.waiting import wait_until

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UserId
from tusd_py.domain.task import Task, TaskChange, TaskFacts, TaskStatus
from tusd_py.tasks.port import UNREACHABLE
from tusd_py.tasks.redis import RedisTaskView


def facts() -> TaskFacts:
    return TaskFacts(
        task_id=fresh_id(), user_id=UserId(123), filename="视频.mp4", file_size=104857600,
        created_at=1_770_000_000.25, file_hash="a" * 64, temp_path="/data/x",
    )  # fmt: skip


def compressing(progress: int, attempt: int = 1) -> TaskChange:
    return TaskChange(
        status=TaskStatus.COMPRESSING, progress=progress, attempt=attempt, message="视频压缩中..."
    )


def test_keys_fields_and_channel_are_the_seeds(redis_server: Redis) -> None:
    redis_server.clear()
    view = RedisTaskView(redis_server.url, clock=FakeClock())
    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    about = facts()
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(f"file_upload_notify:{about.task_id}")
    pubsub.get_message(timeout=5)
    view.put(about, compressing(45))
    message = pubsub.get_message(timeout=5)
    assert message is not None
    published = json.loads(message["data"])
    assert published["task_id"] == about.task_id
    assert (published["status"], published["progress"], published["message"]) == (
        "compressing", 45, "视频压缩中...",
    )  # fmt: skip
    found = client.hgetall(f"file_upload_task:{about.task_id}")
    expected = {
        "task_id": about.task_id, "user_id": "123", "filename": "视频.mp4", "file_hash": "a" * 64,
        "file_size": "104857600", "temp_path": "/data/x", "status": "compressing",
        "progress": "45", "message": "视频压缩中...", "error_msg": "", "oss_path": "",
        "repository_id": "", "created_at": "2026-02-02T02:40:00Z",
        "updated_at": "2026-02-02T02:40:00Z",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert 86390 <= client.ttl(f"file_upload_task:{about.task_id}") <= 86400
    assert client.zrange("user_upload_tasks:123", 0, -1, withscores=True) == [
        (about.task_id, 1_770_000_000.25)
    ]
    assert client.ttl("user_upload_tasks:123") > 0
    view.put(
        about,
        TaskChange(
            status=TaskStatus.FAILED, progress=0, attempt=1, error_code="x", error_msg="why"
        ),
    )
    published = json.loads(pubsub.get_message(timeout=5)["data"])
    assert published["status"] == "failed"
    assert (published["progress"], published["last_progress"]) == (0, 45)
    assert published["error"] == "why"
    pubsub.close()
    client.close()
    view.close()


def test_what_one_process_puts_another_receives(redis_server: Redis) -> None:
    redis_server.clear()
    here, there = (RedisTaskView(redis_server.url, clock=SystemClock()) for _ in range(2))
    about = facts()
    received: list[Task] = []
    subscription = here.subscribe_task(about.task_id, received.append)
    for progress in (30, 40, 50):
        there.put(about, compressing(progress))
    wait_until(lambda: received and received[-1].progress == 50)
    assert [task.seq for task in received] == [1, 2, 3]
    subscription.close()
    here.close()
    there.close()


def test_a_redis_that_dies_is_unavailable_at_once_and_received_from_again_when_it_is_back() -> None:
    server = Redis()
    server.start()
    here, there = (RedisTaskView(server.url, clock=SystemClock()) for _ in range(2))
    about = facts()
    received: list[Task] = []
    try:
        here.subscribe_task(about.task_id, received.append)
        there.put(about, compressing(30))
        wait_until(lambda: len(received) == 1)
        server.kill()
        with pytest.raises(BackendError):
            there.put(about, compressing(31))
        with pytest.raises(BackendError):
            here.get(about.task_id)
        with pytest.raises(BackendError, match=UNREACHABLE):
            here.check()
        with pytest.raises(BackendError):
            here.memory_bytes()
        server.start()
        here.check()
        # The state was published before the subscription was back: it is read after the
        # reconnection.
        there.put(about, compressing(40))
        wait_until(lambda: received[-1].progress == 40)
        assert received[-1].epoch != received[0].epoch
    finally:
        here.close()
        there.close()
        server.close()


def test_a_frozen_redis_costs_a_request_a_moment_not_minutes() -> None:
    server = Redis()
    server.start()
    view = RedisTaskView(server.url, clock=SystemClock())
    about = facts()
    try:
        view.put(about, compressing(30))
        server.pause()
        with pytest.raises(BackendError):
            view.put(about, compressing(31))
        with pytest.raises(BackendError, match=UNREACHABLE):
            view.check()
        server.resume()
        wait_until(lambda: view.get(about.task_id) is not None)
    finally:
        view.close()
        server.close()


def test_a_flushed_view_begins_again(redis_server: Redis) -> None:
    view = RedisTaskView(redis_server.url, clock=SystemClock())
    about = facts()
    received: list[Task] = []
    view.subscribe_user(about.user_id, received.append)
    view.put(about, compressing(40))
    redis_server.clear()
    assert view.get(about.task_id) is None
    view.put(about, compressing(41))
    wait_until(lambda: len(received) == 2)
    assert received[0].epoch != received[1].epoch
    assert received[1].facts == about
    view.close()


POISON: tuple[str, ...] = (
    "", "not json", "[]", "7", "null", '"text"', "[" * 100_000, '{"task_id": 1}', '{"seq": NaN}',
    '{"task_id": null, "user_id": null}',
)  # fmt: skip


def test_what_another_program_publishes_stops_no_listener(redis_server: Redis) -> None:
    redis_server.clear()
    view = RedisTaskView(redis_server.url, clock=FakeClock())
    about = facts()
    received: list[Task] = []
    view.subscribe_task(about.task_id, received.append)
    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    for text in POISON:
        client.publish(f"file_upload_notify:{about.task_id}", text)
    view.put(about, compressing(45))
    wait_until(lambda: [task.progress for task in received] == [45])
    view.close()


@pytest.mark.parametrize(
    "spoil",
    [
        {"updated": "yesterday"}, {"seq": "x"}, {"status": "unheard of"}, {"progress": "1e999"},
        {"user_id": "anna", "created": "inf"},
    ],
)  # fmt: skip
def test_a_state_that_another_program_spoiled_is_lost_and_begins_again(
    redis_server: Redis, spoil: dict[str, str]
) -> None:
    redis_server.clear()
    view = RedisTaskView(redis_server.url, clock=FakeClock())
    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    about = facts()
    view.put(about, compressing(45))
    client.hset(f"file_upload_task:{about.task_id}", mapping=spoil)
    assert view.get(about.task_id) is None
    assert view.newest(about.user_id, 10) == []
    assert view.unfinished(about.user_id) == []
    view.expire()
    view.put(about, compressing(50))
    found = view.get(about.task_id)
    assert found is not None
    assert (found.progress, found.facts) == (50, about)
    view.forget(about.task_id)
    view.close()


def test_keys_of_another_kind_are_replaced(redis_server: Redis) -> None:
    redis_server.clear()
    view = RedisTaskView(redis_server.url, clock=FakeClock())
    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    about = facts()
    client.set(f"file_upload_task:{about.task_id}", "a text")
    client.set(f"user_upload_tasks:{about.user_id}", "a text")
    view.put(about, compressing(45))
    assert [task.facts for task in view.newest(about.user_id, 10)] == [about]
    view.close()


@contextmanager
def nearly_full_redis(policy: str) -> Iterator[tuple[RedisTaskView, redis.Redis]]:
    """Run a Redis of its own that has room for about 1500 tasks."""
    server = Redis()
    try:
        server.start()
        view = RedisTaskView(server.url, clock=SystemClock())
        client = redis.Redis.from_url(server.url, decode_responses=True)
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory", client.info("memory")["used_memory"] + (2 << 20))
        yield view, client
        client.close()
        view.close()
    finally:
        server.close()


def ended(view: RedisTaskView) -> None:
    """Put a task that has ended."""
    view.put(facts(), TaskChange(status=TaskStatus.COMPLETED, progress=100, attempt=1))


def test_a_full_redis_drops_the_tasks_that_changed_longest_ago() -> None:
    """With volatile-ttl, as ``deploy/compose.yaml`` has it."""
    running = facts()
    with nearly_full_redis("volatile-ttl") as (view, client):
        for attempt in range(1, 200):
            view.put(running, compressing(10, attempt))
            for _ in range(20):
                ended(view)
        assert client.info("stats")["evicted_keys"] > 1000
        task = view.get(running.task_id)
        assert task is not None
        assert (task.attempt, task.seq) == (199, 199), "it was never lost"


def test_a_full_redis_that_drops_nothing_takes_no_change_of_a_known_task() -> None:
    """Without an eviction policy a running task stands still, and its end is not shown."""
    running = facts()
    with nearly_full_redis("noeviction") as (view, _):
        view.put(running, compressing(10))
        for _ in range(4000):
            ended(view)
        with pytest.raises(BackendError):
            view.put(running, TaskChange(status=TaskStatus.COMPLETED, progress=100, attempt=1))
        task = view.get(running.task_id)
        assert task is not None
        assert task.status is TaskStatus.COMPRESSING
