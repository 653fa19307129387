"""What many streams at one server cost, and how late their events are: ``make bench-listeners``.

Server A holds the streams, server B takes the uploads, a worker processes them; private Redis,
MariaDB and RabbitMQ. With ``--embedded`` one process does all. The clients of the streams live in
this program, so its own time to read is in every delay.
"""

import argparse
import asyncio
import json
import math
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import redis
from rich.console import Console
from rich.table import Table
from support.cluster import Cluster, running_cluster
from support.event_streams import Stream, open_streams
from support.server import Server, running_server
from support.services import MariaDb, RabbitMq, Redis
from support.tus import create, patch
from support.waiting import until

TASKS: Final = 50
IDLE_SECONDS: Final = 12.0
"""Longer than REPOLL_SECONDS, so that every stream polls once."""
BODY: Final = 4096


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=1000)
    parser.add_argument(
        "--user-share", type=float, default=0.05, help="listeners of all tasks at once, of all"
    )
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="tusd-bench-") as folder:
        place = _embedded if arguments.embedded else _distributed
        metrics = place(Path(folder), arguments.listeners, arguments.user_share)
    table = Table("figure", "value", title=f"{arguments.listeners} listeners at one process")
    for name, value in metrics.items():
        table.add_row(name, f"{value:,.1f}" if isinstance(value, float) else str(value))
    Console().print(table)
    Console().print_json(json.dumps(metrics))
    if arguments.json:
        arguments.json.write_text(json.dumps(metrics, indent=1))


def _embedded(folder: Path, count: int, user_share: float) -> dict[str, Any]:
    with running_server(folder / "data", "--workers", "1") as server:
        bench = Bench(server, server, count, user_share)
        return asyncio.run(bench.run(lambda: None))


def _distributed(folder: Path, count: int, user_share: float) -> dict[str, Any]:
    with ExitStack() as stack:
        engines = []
        for engine in (MariaDb(), Redis(), RabbitMq()):
            stack.callback(engine.close)
            engine.start()
            engines.append(engine)
        mariadb, view, rabbitmq = engines
        assert isinstance(mariadb, MariaDb)
        assert isinstance(view, Redis)
        assert isinstance(rabbitmq, RabbitMq)
        cluster: Cluster = stack.enter_context(
            running_cluster(folder / "data", mariadb, view, rabbitmq, servers=2, workers=0)
        )
        here, there = cluster.servers
        bench = Bench(here, there, count, user_share)
        with _published(view) as bench.published:
            return asyncio.run(bench.run(cluster.add_worker, view))


class Bench:
    """One run: ``here`` has the streams, ``there`` the uploads."""

    def __init__(self, here: Server, there: Server, count: int, user_share: float) -> None:
        self._here, self._there = here, there
        self._count, self._user_share = count, user_share
        self.published: dict[tuple[str, str, int], float] = {}
        """When each state was published, by our own subscription; none when embedded."""

    async def run(
        self, add_worker: Callable[[], object], view: Redis | None = None
    ) -> dict[str, Any]:
        """Return all figures by name; units are in the names."""
        urls = [await asyncio.to_thread(create, self._there, BODY) for _ in range(TASKS)]
        for stream in await open_streams(self._here.url, self._paths(urls, 2 * TASKS)):
            stream.close()
        alone = await self._idle_cpu_percent()
        memory, busy, begin = _rss_kib(self._here), self._here.cpu_seconds(), time.monotonic()
        streams = await open_streams(self._here.url, self._paths(urls, self._count))
        await until(lambda: all(stream.arrivals for stream in streams), timeout=60)
        metrics: dict[str, Any] = {
            "open_seconds": time.monotonic() - begin,
            "open_cpu_seconds": self._here.cpu_seconds() - busy,
            "kib_a_listener": (_rss_kib(self._here) - memory) / self._count,
        }
        metrics["idle_cpu_percent"] = await self._idle_cpu_percent()
        metrics["idle_cpu_percent_without_listeners"] = alone
        if view is not None:
            metrics["redis_subscriptions"] = _subscriptions(view)
        add_worker()
        metrics |= await self._changes(streams, urls[: TASKS // 2])
        metrics["kib_a_listener_after"] = (_rss_kib(self._here) - memory) / self._count
        if view is not None:
            metrics["seconds_to_the_end_after_a_restart_of_redis"] = await self._restart(
                view, streams, urls[TASKS // 2 :]
            )
        for stream in streams:
            stream.close()
        return metrics

    async def _idle_cpu_percent(self) -> float:
        busy = self._here.cpu_seconds()
        await asyncio.sleep(IDLE_SECONDS)
        return 100 * (self._here.cpu_seconds() - busy) / IDLE_SECONDS

    def _paths(self, urls: list[str], count: int) -> list[str]:
        users = max(1, int(count * self._user_share))
        base = "/api/file/upload/events"
        return [base] * users + [
            f"{base}/{urls[number % TASKS].rpartition('/')[2]}" for number in range(count - users)
        ]

    async def _changes(self, streams: list[Stream], urls: list[str]) -> dict[str, Any]:
        """Send uploads one after another; measure how late each state arrived.

        Each upload waits until all streams have the end of the one before.
        """
        # The first one wakes up the worker.
        await self._finish(streams, urls[:1])
        before = {id(stream): len(stream.arrivals) for stream in streams}
        busy, begin = self._here.cpu_seconds(), time.monotonic()
        for url in urls[1:]:
            await self._finish(streams, [url])
        took = time.monotonic() - begin
        events = [event for stream in streams for event in stream.arrivals[before[id(stream)] :]]
        first: dict[tuple[str, str, int], float] = {}
        for event in events:
            key = (event.task_id, event.epoch, event.seq)
            first[key] = min(event.at, first.get(key, event.at))
        published = self.published or first
        delays = sorted(
            1000 * (event.at - published[event.task_id, event.epoch, event.seq])
            for event in events
        )  # fmt: skip
        return {
            "events": len(events),
            "events_a_second": len(events) / took,
            "cpu_ms_an_event": 1000 * (self._here.cpu_seconds() - busy) / len(events),
            "delay_ms_p50": _share(delays, 0.50),
            "delay_ms_p99": _share(delays, 0.99),
            "delay_ms_max": delays[-1],
        }

    async def _finish(self, streams: list[Stream], urls: list[str]) -> None:
        for url in urls:
            await asyncio.to_thread(patch, url, 0, os.urandom(BODY))
        await _all_ended(streams, urls)

    async def _restart(self, view: Redis, streams: list[Stream], urls: list[str]) -> float:
        """Kill and start Redis while uploads end; measure the time until all streams have them."""
        await asyncio.to_thread(view.kill)
        for url in urls[::2]:
            await asyncio.to_thread(patch, url, 0, os.urandom(BODY))
        await asyncio.to_thread(view.start)
        begin = time.monotonic()
        await self._finish(streams, urls[1::2])
        await _all_ended(streams, urls)
        return time.monotonic() - begin


async def _all_ended(streams: list[Stream], urls: list[str]) -> None:
    tasks = {url.rpartition("/")[2] for url in urls}

    def ended(stream: Stream) -> bool:
        task = stream.path.rpartition("/")[2]
        wanted = tasks & {task} if task != "events" else tasks
        return wanted <= stream.ended()

    waiting = set(range(len(streams)))

    def all_ended() -> bool:
        waiting.difference_update([number for number in waiting if ended(streams[number])])
        return not waiting

    await until(all_ended, timeout=180)


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


@contextmanager
def _published(view: Redis) -> Iterator[dict[tuple[str, str, int], float]]:
    """Record when each state was published."""
    times: dict[tuple[str, str, int], float] = {}
    client = redis.Redis.from_url(view.url, decode_responses=True)
    pubsub = client.pubsub()
    pubsub.psubscribe("file_upload_notify:*")

    def note(message: dict[str, Any]) -> None:
        state = json.loads(message["data"])
        times[state["task_id"], state["epoch"], int(state["seq"])] = time.monotonic()

    def listen() -> None:
        try:
            for message in pubsub.listen():
                if message["type"] == "pmessage":
                    note(message)
        except (redis.RedisError, ValueError, OSError):
            return  # Redis was restarted, or the run is over.

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield times
    finally:
        pubsub.close()
        client.close()


def _subscriptions(view: Redis) -> int:
    """Return the number of connections that subscribe to tasks, except ours."""
    client = redis.Redis.from_url(view.url, decode_responses=True)
    listening = [entry for entry in client.client_list() if int(entry["psub"])]
    client.close()
    return len(listening) - 1


def _rss_kib(server: Server) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0])


if __name__ == "__main__":
    main()
