"""Tests of the events that a subscriber gets, also if it is slow."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from support.ids import fresh_id

from tusd_py.domain.ids import UserId
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.tasks.subscriber_queue import SubscriberQueue

FACTS = TaskFacts(
    task_id=fresh_id(), user_id=UserId(1), filename="a", file_size=1, created_at=1.0,
    file_hash="", temp_path="",
)  # fmt: skip


def state(seq: int, status: TaskStatus, progress: int = 0, **changes: object) -> Task:
    task = Task(
        facts=FACTS, status=status, progress=progress, message="", attempt=1, epoch="e", seq=seq,
        updated_at=1.0, error_code="", error_msg="", oss_path="", repository_id="", last_progress=0,
    )  # fmt: skip
    return replace(task, **changes)  # type: ignore[arg-type]


def on_a_loop(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await work()

    asyncio.run(run())


async def now(mailbox: SubscriberQueue) -> list[Task]:
    return await mailbox.take(until=asyncio.get_running_loop().time() + 30)


def test_a_slow_subscriber_gets_every_status_once_in_order_with_its_latest_progress() -> None:
    async def work() -> None:
        mailbox = SubscriberQueue()
        states = [
            state(1, TaskStatus.PENDING, 1),
            state(2, TaskStatus.PENDING, 5),
            state(3, TaskStatus.RECEIVED, 10),
            state(4, TaskStatus.COMPRESSING, 30),
            state(5, TaskStatus.COMPRESSING, 60),
            state(6, TaskStatus.COMPLETED, 100),
        ]
        for one in states:
            mailbox.put(one)
        assert [task.seq for task in await now(mailbox)] == [2, 3, 5, 6]

    on_a_loop(work)


def test_a_new_attempt_is_delivered_even_in_the_same_status() -> None:
    async def work() -> None:
        mailbox = SubscriberQueue()
        mailbox.put(state(1, TaskStatus.COMPRESSING, 40))
        mailbox.put(state(2, TaskStatus.COMPRESSING, 40, attempt=2))
        assert [task.attempt for task in await now(mailbox)] == [1, 2]

    on_a_loop(work)


def test_events_that_were_delivered_or_are_older_are_not_delivered_again() -> None:
    async def work() -> None:
        mailbox = SubscriberQueue()
        mailbox.seen(FACTS.task_id, "e", 2)
        mailbox.put(state(2, TaskStatus.PENDING))
        mailbox.put(state(4, TaskStatus.RECEIVED))
        mailbox.put(state(3, TaskStatus.PENDING))
        assert [task.seq for task in await now(mailbox)] == [4]
        mailbox.put(state(4, TaskStatus.RECEIVED))
        mailbox.put(state(1, TaskStatus.RECEIVED, epoch="after the view was lost"))
        assert [task.seq for task in await now(mailbox)] == [1]

    on_a_loop(work)


def test_waiting_ends_with_a_state_from_another_thread_with_the_time_and_when_woken() -> None:
    async def work() -> None:
        mailbox = SubscriberQueue()
        waiting = asyncio.ensure_future(now(mailbox))
        await asyncio.to_thread(mailbox.listener, state(1, TaskStatus.PENDING))
        assert [task.seq for task in await waiting] == [1]
        assert await mailbox.take(until=asyncio.get_running_loop().time()) == []
        waiting = asyncio.ensure_future(now(mailbox))
        await asyncio.sleep(0)
        mailbox.wake()
        assert await waiting == []

    on_a_loop(work)
