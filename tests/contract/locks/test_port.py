"""What every lock must promise (``locks.port``). A second adapter is one more line."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from support.ids import fresh_id
from support.services import Redis
from support.shared_locks import shared_lock
from support.siblings import siblings_in

from tusd_py.domain.errors import UploadLocked
from tusd_py.domain.ids import UploadId
from tusd_py.locks import shared
from tusd_py.locks.local import LocalLock
from tusd_py.locks.port import Lock, ReleaseRequests
from tusd_py.locks.redis import RedisReleaseRequests
from tusd_py.locks.shared import SharedLock
from tusd_py.locks.siblings import SiblingReleaseRequests
from tusd_py.sibling_bus import Mailbox, SiblingBus

PATIENT: Final = 30.0
IMPATIENT: Final = 0.05
Make = Callable[[float], Lock]


@pytest.fixture(params=["local", "redis", "siblings"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def local(timeout_seconds: float) -> Lock:
            return LocalLock(timeout_seconds=timeout_seconds)

        def by_redis(timeout_seconds: float) -> Lock:
            server: Redis = request.getfixturevalue("redis_server")
            return between(RedisReleaseRequests(server.url), timeout_seconds)

        def by_siblings(timeout_seconds: float) -> Lock:
            bus = SiblingBus(siblings_in(tmp_path, 0))
            stack.callback(bus.close)
            return between(SiblingReleaseRequests(bus), timeout_seconds)

        def between(requests: ReleaseRequests, timeout_seconds: float) -> Lock:
            lock = SharedLock(tmp_path / "locks", requests, timeout_seconds=timeout_seconds)
            stack.callback(lock.close)
            return lock

        yield {"local": local, "redis": by_redis, "siblings": by_siblings}[request.param]


class Request:
    """One request for an upload, which holds it until ``end`` or until a release is requested.

    With ``heeds=False`` it ignores the request.
    """

    def __init__(self, lock: Lock, upload_id: UploadId, *, heeds: bool = True) -> None:
        self._lock = lock
        self._upload_id = upload_id
        self._heeds = heeds
        self.release_requests = 0
        self.got = asyncio.Event()
        self.end = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._lock.hold(self._upload_id, on_release_requested=self._release_requested):
            self.got.set()
            await self.end.wait()

    def _release_requested(self) -> None:
        self.release_requests += 1
        if self._heeds:
            self.end.set()


def run(scenario: Coroutine[None, None, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(limited())


async def settled() -> None:
    """Run all tasks until each of them waits."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_free_lock_is_acquired_at_once_without_a_release_request(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        for _ in range(3):
            request = Request(lock, upload_id)
            await request.got.wait()
            assert request.release_requests == 0
            request.end.set()
            await request.task

    run(scenario())


def test_a_newcomer_makes_the_holder_let_go(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        holder = Request(lock, upload_id)
        await holder.got.wait()
        newcomer = Request(lock, upload_id)
        await newcomer.got.wait()
        assert holder.release_requests == 1
        await holder.task
        assert newcomer.release_requests == 0
        newcomer.end.set()
        await newcomer.task

    run(scenario())


def test_uploads_do_not_wait_for_each_other(make: Make) -> None:
    async def scenario() -> None:
        lock = make(IMPATIENT)
        requests = [Request(lock, fresh_id(), heeds=False) for _ in range(5)]
        for request in requests:
            await request.got.wait()
            assert request.release_requests == 0
            request.end.set()
            await request.task

    run(scenario())


def test_a_newcomer_waits_until_the_holder_has_really_left(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        holder = Request(lock, upload_id, heeds=False)
        await holder.got.wait()
        newcomer = Request(lock, upload_id)
        await settled()
        assert holder.release_requests == 1
        assert not newcomer.got.is_set()
        holder.end.set()
        await newcomer.got.wait()
        newcomer.end.set()
        await newcomer.task

    run(scenario())


def test_a_holder_that_does_not_let_go_costs_the_newcomer_its_request(
    make: Make,
) -> None:
    async def scenario() -> None:
        lock, upload_id = make(IMPATIENT), fresh_id()
        holder = Request(lock, upload_id, heeds=False)
        await holder.got.wait()
        for _ in range(2):
            with pytest.raises(UploadLocked):
                await Request(lock, upload_id).task
        assert holder.release_requests == 1, "one request, however many wait"
        holder.end.set()
        await holder.task
        again = Request(lock, upload_id)
        await again.got.wait()
        again.end.set()
        await again.task

    run(scenario())


def test_a_head_and_a_patch_that_wait_together_both_succeed(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        silent = Request(lock, upload_id)
        await silent.got.wait()
        head = Request(lock, upload_id, heeds=False)
        patch = Request(lock, upload_id)
        await head.got.wait()
        assert not patch.got.is_set()
        head.end.set()
        await patch.got.wait()
        await settled()
        assert patch.release_requests == 0, "no request: the head is older"
        patch.end.set()
        await asyncio.gather(silent.task, head.task, patch.task)

    run(scenario())


def test_one_who_still_waits_when_a_newer_comes_does_not_keep_the_upload(
    make: Make,
) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        holder = Request(lock, upload_id, heeds=False)
        await holder.got.wait()
        older, newest = Request(lock, upload_id), Request(lock, upload_id)
        await settled()
        holder.end.set()
        await newest.got.wait()
        await older.task
        assert (older.release_requests, newest.release_requests) == (1, 0)
        newest.end.set()
        await newest.task

    run(scenario())


def test_the_newest_of_many_ends_up_with_the_upload(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        requests = []
        for _ in range(20):
            requests.append(Request(lock, upload_id))
            await asyncio.sleep(0)
        newest = requests[-1]
        await newest.got.wait()
        await asyncio.gather(*(request.task for request in requests[:-1]))
        assert [request.release_requests for request in requests] == [1] * 19 + [0]
        newest.end.set()
        await newest.task

    run(scenario())


def test_there_is_never_more_than_one_holder(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        inside = 0
        served = 0

        @asynccontextmanager
        async def alone() -> AsyncIterator[None]:
            nonlocal inside, served
            inside += 1
            try:
                assert inside == 1
                yield
                served += 1
            finally:
                inside -= 1

        async def visit(number: int) -> None:
            for _ in range(number % 4):
                await asyncio.sleep(0)
            async with lock.hold(upload_id, on_release_requested=lambda: None), alone():
                for _ in range(number % 3):
                    await asyncio.sleep(0)

        tasks = [asyncio.create_task(visit(number)) for number in range(60)]
        for number, task in enumerate(tasks):
            if number % 5 == 2:
                await asyncio.sleep(0)
                task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(end is None or isinstance(end, asyncio.CancelledError) for end in ends)
        assert served == ends.count(None) >= 48
        last = Request(lock, upload_id)
        await last.got.wait()
        last.end.set()
        await last.task

    run(scenario())


def test_a_holder_that_fails_frees_the_upload(make: Make) -> None:
    async def scenario() -> None:
        lock, upload_id = make(IMPATIENT), fresh_id()
        with pytest.raises(RuntimeError, match="broken"):
            async with lock.hold(upload_id, on_release_requested=lambda: None):
                raise RuntimeError("broken")
        request = Request(lock, upload_id)
        await request.got.wait()
        request.end.set()
        await request.task

    run(scenario())


@pytest.mark.parametrize("victim", [0, 1, 2], ids=["the holder", "the next", "the last"])
def test_a_cancelled_request_does_not_keep_the_others_from_the_upload(
    make: Make, victim: int
) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        requests = [Request(lock, upload_id, heeds=False) for _ in range(3)]
        await requests[0].got.wait()
        await settled()
        requests[victim].task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await requests[victim].task
        for number, request in enumerate(requests):
            if number != victim:
                await request.got.wait()
                request.end.set()
                await request.task

    run(scenario())


def test_a_request_cancelled_in_the_moment_it_is_served_passes_the_upload_on(
    make: Make,
) -> None:
    async def scenario() -> None:
        lock, upload_id = make(PATIENT), fresh_id()
        holder, next_one, last = (Request(lock, upload_id, heeds=False) for _ in range(3))
        await holder.got.wait()
        await settled()
        holder.end.set()
        await holder.task
        next_one.task.cancel()
        await asyncio.gather(next_one.task, return_exceptions=True)
        await last.got.wait()
        last.end.set()
        await last.task

    run(scenario())


def two_processes(stack: ExitStack, folder: Path) -> list[SharedLock]:
    """Return the locks of two processes that serve one port."""
    opened = (shared_lock("siblings", folder, number, redis_url="") for number in range(2))
    return [stack.enter_context(lock) for lock in opened]


def test_more_requests_at_once_than_a_mailbox_holds_all_reach_the_holder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients of a network that was cut come back together, at another process."""
    # No request that was lost is found late by its repetition.
    monkeypatch.setattr(shared, "REQUEST_SECONDS", 600.0)

    async def scenario() -> None:
        with ExitStack() as stack:
            here, there = two_processes(stack, tmp_path)
            uploads = [fresh_id() for _ in range(100)]
            holders = [Request(here, upload_id) for upload_id in uploads]
            for holder in holders:
                await holder.got.wait()
            newcomers = [Request(there, upload_id) for upload_id in uploads]
            for newcomer in newcomers:
                await newcomer.got.wait()
                newcomer.end.set()
            await asyncio.gather(*(request.task for request in (*holders, *newcomers)))
            assert {holder.release_requests for holder in holders} == {1}

    run(scenario())


def test_a_process_that_could_not_listen_once_listens_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        with ExitStack() as stack:
            locks = two_processes(stack, tmp_path)
            upload_id = fresh_id()
            with monkeypatch.context() as without_sockets:

                def no_mailbox(*_: object) -> Mailbox:
                    raise OSError(errno.EMFILE, "Too many open files")

                without_sockets.setattr(SiblingBus, "listen", no_mailbox)
                with pytest.raises(OSError, match="open files"):
                    await Request(locks[0], upload_id).task
            first = Request(locks[0], upload_id)
            await first.got.wait()
            second = Request(locks[1], upload_id)
            await second.got.wait()
            assert first.release_requests == 1
            second.end.set()
            await asyncio.gather(first.task, second.task)

    run(scenario())
