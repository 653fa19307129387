"""Streams at one server, uploads at another, jobs elsewhere: every stream gets every event."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path

import pytest
import redis
from support.cluster import Cluster, running_cluster
from support.event_streams import ENDS, Stream, open_streams
from support.services import MariaDb, RabbitMq, Redis
from support.task_states import may_follow
from support.tus import create, patch
from support.waiting import until

EVENTS = "/api/file/upload/events"
ORDER = ["pending", "received", "processing", "compressing", "uploading_oss", "completed"]


@pytest.fixture
def view() -> Iterator[Redis]:
    """Run a Redis that may be killed."""
    server = Redis()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def cluster(tmp_path: Path, mariadb: MariaDb, view: Redis, rabbitmq: RabbitMq) -> Iterator[Cluster]:
    with running_cluster(
        tmp_path / "data", mariadb, view, rabbitmq, servers=2, workers=0
    ) as running:
        yield running


def task_of(url: str) -> str:
    return url.rpartition("/")[2]


def statuses(stream: Stream, task: str) -> list[str]:
    """Return the statuses in the order of their arrival, without immediate repetitions."""
    arrived = [event.status for event in stream.arrivals if event.task_id == task]
    return [status for status, _ in groupby(arrived)]


def first_states(stream: Stream) -> set[str]:
    """Return the tasks of which a user's stream has a state."""
    return {event.task_id for event in stream.arrivals}


@contextmanager
def published(view: Redis) -> Iterator[redis.client.PubSub]:
    """Subscribe to Redis directly."""
    client = redis.Redis.from_url(view.url, decode_responses=True)
    with client.pubsub() as pubsub:
        pubsub.psubscribe("file_upload_notify:*")
        assert pubsub.get_message(timeout=10) is not None
        yield pubsub
    client.close()


def all_published(pubsub: redis.client.PubSub, tasks: set[str]) -> dict[str, list[str]]:
    """Return the statuses by task, until each of the tasks has ended."""
    seen: dict[str, list[str]] = {}
    while any(seen.get(task, [""])[-1] not in ENDS for task in tasks):
        message = pubsub.get_message(timeout=30)
        assert message is not None
        state = json.loads(message["data"])
        seen.setdefault(state["task_id"], []).append(state["status"])
    return {task: [status for status, _ in groupby(seen[task])] for task in tasks}


def listening_connections(view: Redis) -> int:
    """Return the number of connections that subscribe to tasks."""
    client = redis.Redis.from_url(view.url, decode_responses=True)
    count = sum(1 for entry in client.client_list() if int(entry["psub"]))
    client.close()
    return count


def test_every_stream_gets_every_state_in_order_and_one_end_through_one_connection(
    cluster: Cluster, view: Redis
) -> None:
    here, there = cluster.servers

    async def work() -> None:
        with published(view) as pubsub:
            urls = [create(there, 1000) for _ in range(10)]
            tasks = [task_of(url) for url in urls]
            streams = await open_streams(here.url, [f"{EVENTS}/{task}" for task in tasks * 12])
            mine = await open_streams(here.url, [EVENTS] * 5)
            await until(lambda: all(stream.arrivals for stream in streams), timeout=30)
            await until(lambda: all(first_states(stream) == set(tasks) for stream in mine))
            assert listening_connections(view) == 2, "one of the server and one of this test"
            cluster.add_worker()
            for url in urls:
                await asyncio.to_thread(patch, url, 0, os.urandom(1000))
            seen = await asyncio.to_thread(all_published, pubsub, set(tasks))
        await until(lambda: all(stream.complete for stream in streams), timeout=60)
        await until(lambda: all(stream.ended() == set(tasks) for stream in mine), timeout=60)
        for stream in streams:
            (task,) = {event.task_id for event in stream.arrivals}
            assert statuses(stream, task) == seen[task]
            assert seen[task][0] == "pending"
            assert stream.ends == 1
            numbers = [(event.seq, event.queue_position) for event in stream.arrivals]
            assert all(may_follow(*pair) for pair in pairwise(numbers)), numbers
            assert len({event.epoch for event in stream.arrivals}) == 1
            assert sum(event.status in ENDS for event in stream.arrivals) == 1
        for stream in mine:
            for task in tasks:
                assert statuses(stream, task) == seen[task]
        for stream in (*streams, *mine):
            stream.close()

    asyncio.run(work())


def test_after_a_restart_of_redis_each_stream_gets_its_end_exactly_once(
    cluster: Cluster, view: Redis
) -> None:
    here, there = cluster.servers

    async def work() -> None:
        urls = [create(there, 1000) for _ in range(10)]
        tasks = [task_of(url) for url in urls]
        streams = await open_streams(here.url, [f"{EVENTS}/{task}" for task in tasks * 10])
        await until(lambda: all(stream.arrivals for stream in streams), timeout=30)
        cluster.add_worker()
        view.kill()
        for url in urls[:5]:
            await asyncio.to_thread(patch, url, 0, os.urandom(1000))
        view.start()
        for url in urls[5:]:
            await asyncio.to_thread(patch, url, 0, os.urandom(1000))
        await until(lambda: all(stream.complete for stream in streams), timeout=60)
        for stream in streams:
            (task,) = {event.task_id for event in stream.arrivals}
            seen = statuses(stream, task)
            assert seen == sorted(seen, key=ORDER.index)
            assert (seen[0], seen[-1]) == ("pending", "completed")
            progress = [event.progress for event in stream.arrivals]
            assert progress == sorted(progress)
            assert sum(event.status in ENDS for event in stream.arrivals) == stream.ends == 1
            stream.close()
        await until(lambda: listening_connections(view) == 1)

    asyncio.run(work())
