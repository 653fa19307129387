"""What holds for one process holds for several of one port, without Redis."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from pathlib import Path

import httpx
from support.event_streams import ENDS, Stream, open_streams
from support.metrics import by_process, metrics_text
from support.power_cut import power_cut_disk
from support.server import Server, running_server
from support.task_states import may_follow
from support.tus import create, offset, patch, task_id
from support.waiting import until
from websockets.sync.client import connect

EVENTS = "/api/file/upload/events"
SIZE = 1000
SMALL = 4096
NO_RESERVE = {"TUSD_LIMITS__DISK_RESERVE": "0"}
"""The disk of a test is small."""


def all_listen(server: Server, processes: int) -> bool:
    """Return whether each process has a stream; one that gives no figures in time has none."""
    found = by_process(metrics_text(server.url)).values()
    return sum(one.get("tusd_listeners,sse", 0) > 0 for one in found) == processes


def test_streams_at_all_processes_get_every_state_of_an_upload_at_any(tmp_path: Path) -> None:
    async def work(server: Server) -> None:
        urls = [create(server, SIZE) for _ in range(6)]
        tasks = [task_id(url) for url in urls]
        streams: list[Stream] = []
        mine: list[Stream] = []
        while not all_listen(server, 2):
            # The kernel chooses the process of each connection.
            streams += await open_streams(server.url, [f"{EVENTS}/{task}" for task in tasks])
            mine += await open_streams(server.url, [EVENTS] * 2)
        await until(lambda: all(stream.arrivals for stream in streams), timeout=60)
        with connect(f"ws{server.url.removeprefix('http')}/api/file/upload/ws/{tasks[0]}"):
            for number, url in enumerate(urls):
                content = random.Random(number).randbytes(SIZE)
                await asyncio.to_thread(patch, url, 0, content[:400])
                await asyncio.to_thread(patch, url, 400, content[400:])
            await until(lambda: all(stream.complete for stream in streams), timeout=60)
            await until(lambda: all(stream.ended() == set(tasks) for stream in mine), timeout=60)
        for stream in streams:
            seen = [status for status, _ in groupby(event.status for event in stream.arrivals)]
            assert (seen[0], seen[-1]) == ("pending", "completed")
            assert sum(event.status in ENDS for event in stream.arrivals) == stream.ends == 1
            numbers = [(event.seq, event.queue_position) for event in stream.arrivals]
            assert all(may_follow(*pair) for pair in pairwise(numbers)), numbers
        for stream in (*streams, *mine):
            stream.close()

    with running_server(tmp_path / "data", "--processes", "2", "--workers", "1") as server:
        asyncio.run(work(server))


def test_what_two_processes_have_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    contents = [random.Random(number).randbytes(SMALL) for number in range(40)]
    with power_cut_disk(tmp_path) as disk:
        flags = ("--processes", "2", "--workers", "0")
        server = Server(disk.path / "data", *flags, env=NO_RESERVE).start()
        try:
            with ThreadPoolExecutor(8) as pool:
                urls = list(pool.map(lambda content: create(server, SMALL, content), contents))
            disk.cut()
            server.kill()
            disk.restore()
            server.start()
            assert [offset(url) for url in urls] == [SMALL] * len(urls)
            assert [httpx.get(url).content for url in urls] == contents
        finally:
            server.kill()
