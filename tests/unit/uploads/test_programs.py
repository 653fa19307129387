"""Tests of programs that share their effects, and of the batches in which they run."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tusd_py.domain.errors import BackendError, HashMismatch, StorageDamaged
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus
from tusd_py.threads import CALL_THREADS, Result, Threads, capture
from tusd_py.uploads.programs import (
    MAX_BATCH,
    EffectKind,
    Program,
    UploadBatcher,
    commit,
    execute,
    execute_all,
    fsync,
    notify,
)

FACTS = TaskFacts(
    task_id=UploadId("0" * 32), user_id=UserId(1), filename="a", file_size=1, created_at=0.0
)
CHANGE = TaskChange(status=TaskStatus.PENDING, progress=0)


class Groups:
    """Does the effects as an upload context does, and records which came together."""

    def __init__(self) -> None:
        self.seen: list[tuple[EffectKind, int]] = []
        self.log: list[str] = []
        self.catalog_is_away = False

    def together(self, kind: EffectKind, items: Sequence[Any]) -> Sequence[Result]:
        self.seen.append((kind, len(items)))
        if kind is EffectKind.NOTIFY:
            return [Result()] * len(items)
        if kind is EffectKind.COMMIT and self.catalog_is_away:
            return [Result(error=BackendError())] * len(items)
        return [capture(work) for work in items]

    def upload(self, name: str, *, syncs: bool = True) -> Program[str]:
        self.log.append(f"{name} written")
        if syncs:
            yield from fsync(lambda: self.log.append(f"{name} synced"))
        number = yield from commit(lambda: len(self.log))
        yield from notify(FACTS, CHANGE)
        return f"{name} {number}"


def test_programs_share_a_sync_a_commit_and_a_notification() -> None:
    groups = Groups()
    results = execute_all(
        [groups.upload("a"), groups.upload("b", syncs=False), groups.upload("c")], groups.together
    )
    assert groups.seen == [(EffectKind.FSYNC, 2), (EffectKind.COMMIT, 3), (EffectKind.NOTIFY, 3)]
    assert groups.log == ["a written", "b written", "c written", "a synced", "c synced"]
    assert [done.result() for done in results] == ["a 5", "b 5", "c 5"]


def test_an_error_of_one_program_does_not_affect_the_others() -> None:
    def fails_at_once() -> Program[None]:
        raise HashMismatch
        yield from fsync(int)

    def fails_at_the_disk() -> Program[None]:
        def break_() -> None:
            raise StorageDamaged

        yield from fsync(break_)
        pytest.fail("nothing follows a sync that failed")

    groups = Groups()
    results = execute_all(
        [fails_at_once(), groups.upload("a"), fails_at_the_disk()], groups.together
    )
    assert [type(done.error) for done in results] == [HashMismatch, type(None), StorageDamaged]
    assert results[1].value == "a 2"


def test_a_program_can_clean_up_after_an_effect_that_failed() -> None:
    closed: list[str] = []

    def careful() -> Program[None]:
        try:
            yield from commit(lambda: None)
        finally:
            closed.append("closed")

    groups = Groups()
    groups.catalog_is_away = True
    with pytest.raises(BackendError):
        execute(careful(), groups.together)
    assert closed == ["closed"]


def test_a_second_commit_does_not_wait_for_programs_that_have_ended() -> None:
    def twice() -> Program[int]:
        first = yield from commit(lambda: 1)
        second = yield from commit(lambda: first + 1)
        return second

    groups = Groups()
    results = execute_all([twice(), groups.upload("a", syncs=False)], groups.together)
    assert [done.result() for done in results] == [2, "a 1"]
    assert groups.seen == [(EffectKind.COMMIT, 2), (EffectKind.COMMIT, 1), (EffectKind.NOTIFY, 1)]


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
