"""Tests of the batches of uploads between the event loop and a thread."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tusd_py.catalog.values import Result, capture
from tusd_py.domain.errors import BackendError, HashMismatch
from tusd_py.threads import CALL_THREADS, Threads
from tusd_py.uploads.batching import MAX_BATCH, UploadBatcher
from tusd_py.uploads.programs import EffectKind, Program, commit


class Bench:
    """Provides a batcher that counts its commits, and delays them while ``open`` is not set."""

    def __init__(self, *, batches_commits: bool) -> None:
        self.threads = Threads()
        self.batcher = UploadBatcher(self.threads, self._together, batches_commits=batches_commits)
        self.batches: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self.held = threading.Semaphore(0)

    def _together(self, _kind: EffectKind, items: Sequence[Any]) -> Sequence[Result]:
        self.held.release()
        self.open.wait(10)
        self.batches.append(len(items))
        return [capture(work) for work in items]

    async def until_held(self, count: int = 1) -> None:
        for _ in range(count):
            assert await asyncio.to_thread(self.held.acquire, True, 10)


def one(work: Callable[[], Any]) -> Program[Any]:
    return (yield from commit(work))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(batches_commits=True)
    yield made
    made.threads.close()


def test_uploads_of_one_loop_iteration_form_one_batch(bench: Bench) -> None:
    async def scene() -> list[int]:
        return await asyncio.gather(*(bench.batcher.run(one(lambda n=n: n)) for n in range(5)))

    assert asyncio.run(scene()) == [0, 1, 2, 3, 4]
    assert bench.batches == [5]


def test_uploads_that_arrive_while_the_thread_is_busy_form_the_next_batch(bench: Bench) -> None:
    async def scene() -> None:
        bench.open.clear()
        first = asyncio.create_task(bench.batcher.run(one(int)))
        await bench.until_held()
        rest = [asyncio.create_task(bench.batcher.run(one(int))) for _ in range(MAX_BATCH + 3)]
        await asyncio.sleep(0)
        assert not first.done()
        bench.open.set()
        await asyncio.gather(first, *rest)

    asyncio.run(scene())
    assert bench.batches == [1, MAX_BATCH, 3]


def test_an_error_fails_only_its_own_upload(bench: Bench) -> None:
    def fail() -> None:
        raise HashMismatch

    async def scene() -> list[Any]:
        return await asyncio.gather(
            bench.batcher.run(one(fail)), bench.batcher.run(one(lambda: 2)), return_exceptions=True
        )

    failed, fine = asyncio.run(scene())
    assert isinstance(failed, HashMismatch)
    assert fine == 2


def test_an_error_of_the_whole_batch_fails_all_its_uploads(bench: Bench) -> None:
    def broken(_kind: EffectKind, _items: Sequence[Any]) -> Sequence[Result]:
        raise BackendError

    async def scene() -> list[Any]:
        batcher = UploadBatcher(bench.threads, broken, batches_commits=True)
        async with asyncio.timeout(10):
            return await asyncio.gather(
                *(batcher.run(one(int)) for _ in range(2)), return_exceptions=True
            )

    assert [type(error) for error in asyncio.run(scene())] == [BackendError, BackendError]


def test_a_cancelled_caller_waits_for_its_program(bench: Bench) -> None:
    done: list[str] = []

    async def scene() -> None:
        bench.open.clear()
        waiting = asyncio.create_task(bench.batcher.run(one(lambda: done.append("committed"))))
        await bench.until_held()
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        bench.open.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert done == ["committed"]

    asyncio.run(scene())


def test_after_the_threads_are_closed_no_caller_waits_for_ever(bench: Bench) -> None:
    async def scene() -> None:
        bench.threads.close()
        with pytest.raises(RuntimeError, match="after shutdown"):
            await bench.batcher.run(one(int))

    asyncio.run(scene())


def test_without_shared_commits_each_upload_has_a_thread_of_its_own() -> None:
    bench = Bench(batches_commits=False)

    async def scene() -> None:
        bench.open.clear()
        all_ = [asyncio.create_task(bench.batcher.run(one(int))) for _ in range(CALL_THREADS + 2)]
        await bench.until_held(CALL_THREADS)
        bench.open.set()
        await asyncio.gather(*all_)

    asyncio.run(scene())
    bench.threads.close()
    assert bench.batches == [1] * (CALL_THREADS + 2)
