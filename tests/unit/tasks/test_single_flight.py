"""Tests of reads that are shared, and of those that must not be."""

import asyncio
from collections.abc import Awaitable, Callable

from tusd_py.tasks.single_flight import SingleFlight


class Counted:
    """Counts its reads; each returns its number once ``leave`` is set."""

    def __init__(self) -> None:
        self.begun = 0
        self.leave = asyncio.Event()

    async def read(self) -> int:
        self.begun += 1
        found = self.begun
        await self.leave.wait()
        return found


def on_a_loop(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await work()

    asyncio.run(run())


def test_callers_that_accept_an_earlier_read_share_it_while_it_runs_and_after() -> None:
    async def work() -> None:
        shared, counted = SingleFlight[int](), Counted()
        begin = asyncio.get_running_loop().time()
        many = [
            asyncio.ensure_future(shared.get("a", counted.read, begun_after=begin))
            for _ in range(100)
        ]
        await asyncio.sleep(0)
        counted.leave.set()
        assert set(await asyncio.gather(*many)) == {1}
        assert await shared.get("a", counted.read, begun_after=begin) == 1
        assert await shared.get("b", counted.read, begun_after=begin) == 2

    on_a_loop(work)


def test_a_caller_that_needs_a_later_read_gets_one() -> None:
    async def work() -> None:
        shared, counted = SingleFlight[int](), Counted()
        loop = asyncio.get_running_loop()
        first = asyncio.ensure_future(shared.get("a", counted.read, begun_after=loop.time()))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(shared.get("a", counted.read, begun_after=loop.time()))
        await asyncio.sleep(0)
        counted.leave.set()
        assert (await first, await second) == (1, 2)

    on_a_loop(work)


def test_a_read_outlives_the_caller_that_began_it() -> None:
    async def work() -> None:
        shared, counted = SingleFlight[int](), Counted()
        begin = asyncio.get_running_loop().time()
        leaving = asyncio.ensure_future(shared.get("a", counted.read, begun_after=begin))
        staying = asyncio.ensure_future(shared.get("a", counted.read, begun_after=begin))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        counted.leave.set()
        assert await staying == 1
        assert counted.begun == 1

    on_a_loop(work)


def test_old_reads_are_dropped() -> None:
    async def work() -> None:
        shared, counted = SingleFlight[int](kept_seconds=0.0), Counted()
        counted.leave.set()
        begin = asyncio.get_running_loop().time()
        await shared.get("a", counted.read, begun_after=begin)
        while shared._newest:
            await asyncio.sleep(0)
        assert await shared.get("a", counted.read, begun_after=begin) == 2

    on_a_loop(work)
