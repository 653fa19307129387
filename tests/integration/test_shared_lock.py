"""Locks between server processes: never two holders, released on request, freed by death."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.ids import fresh_id
from support.process_set import stop
from support.services import Redis
from support.shared_locks import shared_lock

from tusd_py.domain.errors import UploadLocked
from tusd_py.domain.ids import UploadId
from tusd_py.locks.shared import SharedLock

HOLDER = """
import asyncio, sys
from pathlib import Path
from support.shared_locks import shared_lock
from tusd_py.domain.ids import UploadId

async def main() -> None:
    bus, folder, redis_url, upload_id = sys.argv[1:]
    end = asyncio.Event()
    with shared_lock(bus, Path(folder), 1, redis_url=redis_url) as lock:
        async with lock.hold(UploadId(upload_id), on_release_requested=end.set):
            print("held", flush=True)
            await end.wait()
        print("let go", flush=True)

asyncio.run(main())
"""
Opened = Callable[..., AbstractContextManager[SharedLock]]
Holder = Callable[[UploadId], "subprocess.Popen[str]"]


def run(scenario: Coroutine[None, None, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await scenario

    asyncio.run(limited())


@pytest.fixture(params=["redis", "siblings"])
def bus(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return what carries the requests to release, and the address of Redis."""
    if request.param == "siblings":
        return "siblings", ""
    server: Redis = request.getfixturevalue("redis_server")
    return "redis", server.url


@pytest.fixture
def holder(tmp_path: Path, bus: tuple[str, str]) -> Holder:
    def start(upload_id: UploadId) -> "subprocess.Popen[str]":
        kind, url = bus
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, kind, str(tmp_path), url, upload_id],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    return start


@pytest.fixture
def opened(tmp_path: Path, bus: tuple[str, str]) -> Opened:
    def open_lock(
        timeout_seconds: float = 30, number: int = 0
    ) -> AbstractContextManager[SharedLock]:
        kind, url = bus
        return shared_lock(kind, tmp_path, number, redis_url=url, timeout_seconds=timeout_seconds)

    return open_lock


def test_another_process_lets_go_on_request(opened: Opened, holder: Holder) -> None:
    upload_id = fresh_id()
    process = holder(upload_id)
    requested: list[UploadId] = []

    async def scenario() -> None:
        with opened() as lock:
            async with lock.hold(
                upload_id, on_release_requested=lambda: requested.append(upload_id)
            ):
                pass

    run(scenario())
    assert process.communicate(timeout=30)[0] == "let go\n"
    assert not requested, "a request must not end the one that it was made for"


def test_a_killed_process_holds_nothing(opened: Opened, holder: Holder) -> None:
    upload_id = fresh_id()
    process = holder(upload_id)
    process.kill()
    process.communicate()

    async def scenario() -> None:
        with opened(0.2) as lock:
            async with lock.hold(upload_id, on_release_requested=lambda: None):
                pass

    run(scenario())


def test_a_stopped_process_stays_the_only_writer_until_it_wakes(
    opened: Opened, holder: Holder
) -> None:
    upload_id, other_id = fresh_id(), fresh_id()
    process = holder(upload_id)
    stop(process.pid)

    async def scenario() -> None:
        with opened(0.3) as lock:
            with pytest.raises(UploadLocked):
                async with lock.hold(upload_id, on_release_requested=lambda: None):
                    pass
            async with lock.hold(other_id, on_release_requested=lambda: None):
                pass
            process.send_signal(signal.SIGCONT)
        with opened() as patient:
            async with patient.hold(upload_id, on_release_requested=lambda: None):
                pass

    run(scenario())
    assert process.communicate(timeout=30)[0] == "let go\n"


def test_an_attempt_cancelled_in_its_thread_leaves_nothing_locked(opened: Opened) -> None:
    upload_id = fresh_id()

    async def scenario() -> None:
        with opened() as here, opened(0.5, number=1) as there:

            async def hold() -> None:
                async with here.hold(upload_id, on_release_requested=lambda: None):
                    await asyncio.sleep(0)

            for turns in range(12):
                task = asyncio.create_task(hold())
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                async with there.hold(upload_id, on_release_requested=lambda: None):
                    pass

    run(scenario())
