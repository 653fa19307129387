"""Locks between server processes: never two holders, released on request, freed by death."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.ids import fresh_id
from support.services import Redis

from tusd_py.domain.errors import UploadLocked
from tusd_py.domain.ids import UploadId
from tusd_py.locks.redis import RedisReleaseRequests
from tusd_py.locks.shared import SharedLock

HOLDER = """
import asyncio, sys
from pathlib import Path
from tusd_py.domain.ids import UploadId
from tusd_py.locks.redis import RedisReleaseRequests
from tusd_py.locks.shared import SharedLock

async def main() -> None:
    lock = SharedLock(Path(sys.argv[1]), RedisReleaseRequests(sys.argv[2]))
    end = asyncio.Event()
    async with lock.hold(UploadId(sys.argv[3]), on_release_requested=end.set):
        print("held", flush=True)
        await end.wait()
    print("let go", flush=True)
    lock.close()

asyncio.run(main())
"""


def run(scenario: Coroutine[None, None, None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await scenario

    asyncio.run(limited())


@pytest.fixture
def holder(tmp_path: Path, redis_server: Redis) -> Callable[[UploadId], "subprocess.Popen[str]"]:
    def start(upload_id: UploadId) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "locks"), redis_server.url, upload_id],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    return start


@asynccontextmanager
async def opened(folder: Path, redis_server: Redis, patience: float) -> AsyncIterator[SharedLock]:
    lock = SharedLock(
        folder / "locks", RedisReleaseRequests(redis_server.url), timeout_seconds=patience
    )
    yield lock
    lock.close()


def test_another_process_lets_go_on_request(
    tmp_path: Path, redis_server: Redis, holder: Callable[[UploadId], "subprocess.Popen[str]"]
) -> None:
    upload_id = fresh_id()
    process = holder(upload_id)

    async def scenario() -> None:
        async with (
            opened(tmp_path, redis_server, 30) as lock,
            lock.hold(upload_id, on_release_requested=lambda: None),
        ):
            pass

    run(scenario())
    assert process.communicate(timeout=30)[0] == "let go\n"


def test_a_killed_process_holds_nothing(
    tmp_path: Path, redis_server: Redis, holder: Callable[[UploadId], "subprocess.Popen[str]"]
) -> None:
    upload_id = fresh_id()
    process = holder(upload_id)
    process.kill()
    process.communicate()

    async def scenario() -> None:
        async with (
            opened(tmp_path, redis_server, 0.2) as lock,
            lock.hold(upload_id, on_release_requested=lambda: None),
        ):
            pass

    run(scenario())


def test_a_stopped_process_stays_the_only_writer_until_it_wakes(
    tmp_path: Path, redis_server: Redis, holder: Callable[[UploadId], "subprocess.Popen[str]"]
) -> None:
    upload_id, other_id = fresh_id(), fresh_id()
    process = holder(upload_id)
    os.kill(process.pid, signal.SIGSTOP)

    async def scenario() -> None:
        async with opened(tmp_path, redis_server, 0.3) as lock:
            with pytest.raises(UploadLocked):
                async with lock.hold(upload_id, on_release_requested=lambda: None):
                    pass
            async with lock.hold(other_id, on_release_requested=lambda: None):
                pass
            process.send_signal(signal.SIGCONT)
        async with (
            opened(tmp_path, redis_server, 30) as patient,
            patient.hold(upload_id, on_release_requested=lambda: None),
        ):
            pass

    run(scenario())
    assert process.communicate(timeout=30)[0] == "let go\n"


def test_an_attempt_cancelled_in_its_thread_leaves_nothing_locked(
    tmp_path: Path, redis_server: Redis
) -> None:
    upload_id = fresh_id()

    async def scenario() -> None:
        async with (
            opened(tmp_path, redis_server, 30) as here,
            opened(tmp_path, redis_server, 0.5) as there,
        ):

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
