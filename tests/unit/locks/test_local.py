"""Tests of LocalLock beyond its contract: it keeps nothing of locks that are free."""

import asyncio

import pytest
from support.ids import fresh_id

from tusd_py.domain.errors import UploadLocked
from tusd_py.locks.local import LocalLock


def test_nothing_is_kept_of_uploads_whose_lock_is_free() -> None:
    async def scenario() -> None:
        lock = LocalLock(timeout_seconds=0.01)
        for _ in range(100):
            async with lock.hold(fresh_id(), on_release_requested=lambda: None):
                assert len(lock._waiters) == 1
        assert not lock._waiters

    asyncio.run(scenario())


def test_nothing_is_kept_of_requests_that_gave_up() -> None:
    async def scenario() -> None:
        lock, upload_id = LocalLock(timeout_seconds=0.01), fresh_id()
        async with lock.hold(upload_id, on_release_requested=lambda: None):
            with pytest.raises(UploadLocked):
                async with lock.hold(upload_id, on_release_requested=lambda: None):
                    raise AssertionError("two holders")
            assert len(lock._waiters[upload_id]) == 1
        assert not lock._waiters

    asyncio.run(scenario())


def test_a_request_that_gives_up_when_the_holder_leaves_passes_the_lock_on() -> None:
    async def scenario() -> None:
        lock, upload_id = LocalLock(timeout_seconds=30.0), fresh_id()
        served = asyncio.Event()

        async def wait_in_line() -> None:
            async with lock.hold(upload_id, on_release_requested=lambda: None):
                served.set()

        async with lock.hold(upload_id, on_release_requested=lambda: None):
            gives_up = asyncio.create_task(wait_in_line())
            patient = asyncio.create_task(wait_in_line())
            await asyncio.sleep(0)
            gives_up.cancel()
            # The holder leaves before the cancelled request has run.
        await patient
        assert gives_up.cancelled()
        assert served.is_set()
        assert not lock._waiters

    asyncio.run(scenario())
