import asyncio
import threading

import pytest

from tusd_py.background_tasks import BackgroundTasks, WakeUp


def test_started_work_is_awaited_and_repeated_work_is_cancelled() -> None:
    async def main() -> list[str]:
        done: list[str] = []
        may_end = asyncio.Event()

        async def once() -> None:
            await may_end.wait()
            done.append("started")

        async def again() -> None:
            done.append("repeated")
            may_end.set()
            await asyncio.sleep(3600)

        async with BackgroundTasks() as background:
            background.start("once", once())
            background.repeat("again", again)
            await may_end.wait()
        return done

    assert asyncio.run(main()) == ["repeated", "started"]


def test_an_error_is_logged_and_stops_no_other_work(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tusd_py.background_tasks.PAUSE_AFTER_ERROR_SECONDS", 0.0)

    async def main() -> int:
        rounds, twice = 0, asyncio.Event()

        async def fail() -> None:
            raise ValueError("broken")

        async def again() -> None:
            nonlocal rounds
            rounds += 1
            if rounds == 2:
                twice.set()
                await asyncio.sleep(3600)
            raise ValueError("broken")

        async with BackgroundTasks() as background:
            background.start("fail", fail())
            background.repeat("again", again)
            await twice.wait()
        return rounds

    assert asyncio.run(main()) == 2
    assert [record.message for record in caplog.records] == ["background.failed"] * 2


def test_repeated_work_that_loses_its_cancellation_ends_all_the_same() -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def stubborn() -> None:
            begun.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                return

        async with BackgroundTasks() as background:
            background.repeat("stubborn", stubborn)
            await begun.wait()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_work_outside_of_the_block_is_refused() -> None:
    async def work() -> None: ...

    with pytest.raises(RuntimeError):
        BackgroundTasks().start("work", work())


def test_a_call_before_and_a_call_during_the_wait_wake_the_task() -> None:
    async def main() -> None:
        wake = WakeUp()
        wake()
        await wake.wait(3600)
        waiting = asyncio.create_task(wake.wait(3600))
        await asyncio.sleep(0)
        threading.Thread(target=wake).start()
        await waiting

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_cancellation_that_comes_with_the_call_is_not_lost() -> None:
    async def main() -> bool:
        wake = WakeUp()
        waiting = asyncio.create_task(wake.wait(3600))
        await asyncio.sleep(0)
        wake()
        # The event is set in the next iteration, in which the task is cancelled too.
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await asyncio.wait([waiting])
        return waiting.cancelled()

    assert asyncio.run(asyncio.wait_for(main(), 30))


def test_an_error_of_the_block_passes_unchanged_and_started_work_ends() -> None:
    async def main() -> list[str]:
        done: list[str] = []
        may_end = asyncio.Event()

        async def once() -> None:
            await may_end.wait()
            done.append("started")

        try:
            async with BackgroundTasks() as background:
                background.start("once", once())
                asyncio.get_running_loop().call_soon(may_end.set)
                raise OSError("the port is taken")
        except OSError as error:
            done.append(str(error))
        return done

    assert asyncio.run(main()) == ["started", "the port is taken"]
