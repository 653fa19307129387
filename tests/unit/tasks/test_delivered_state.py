"""Tests of the events that a subscriber gets when the view was away or set back."""

import asyncio
from dataclasses import replace

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.tasks.from_records import EPOCH
from tusd_py.tasks.subscriber_queue import SubscriberQueue

FACTS = TaskFacts(
    task_id=UploadId("a" * 32), user_id=UserId(1), filename="a", file_size=1, created_at=1.0
)
HALF = Task(
    facts=FACTS, status=TaskStatus.COMPRESSING, progress=45, message="", attempt=1,
    epoch="abc", seq=12, updated_at=1.0,
)  # fmt: skip
DONE = replace(HALF, status=TaskStatus.COMPLETED, progress=100)


def delivered(*states: Task) -> list[Task]:
    """Return the states that a subscriber gets if it takes events after each of these."""

    async def listen() -> list[Task]:
        mailbox = SubscriberQueue()
        taken = []
        for state in states:
            mailbox.put(state)
            taken += await mailbox.take(until=0.0)
        return taken

    return asyncio.run(listen())


def test_no_state_is_delivered_twice_or_after_a_newer_one() -> None:
    assert delivered(HALF, HALF, replace(HALF, seq=11, progress=40)) == [HALF]


def test_the_end_is_delivered_although_the_view_was_set_back() -> None:
    """A Redis that lost its last minutes continues from an older number, in the same epoch."""
    assert delivered(HALF, replace(DONE, seq=9)) == [HALF, replace(DONE, seq=9)]


def test_the_end_is_delivered_once() -> None:
    assert delivered(HALF, replace(DONE, seq=13), replace(DONE, seq=13)) == [
        HALF,
        replace(DONE, seq=13),
    ]


def test_progress_never_decreases_when_the_view_returns_behind_the_record() -> None:
    """Bytes that arrive while Redis is away change the record, and not the view."""
    recorded = replace(HALF, status=TaskStatus.PENDING, progress=3, epoch=EPOCH, seq=0, attempt=0)
    viewed = replace(recorded, progress=0, epoch="abc", seq=1)
    later = replace(viewed, progress=5, seq=2)
    assert delivered(recorded, viewed, later) == [recorded, replace(viewed, progress=3), later]


def test_a_view_that_is_behind_the_record_reverts_no_state() -> None:
    recorded = replace(HALF, status=TaskStatus.RECEIVED, progress=10, epoch=EPOCH, seq=1, attempt=0)
    viewed = replace(recorded, status=TaskStatus.PENDING, progress=4, epoch="abc", seq=3)
    assert delivered(recorded, viewed, HALF) == [recorded, HALF]


def test_another_attempt_in_a_new_epoch_of_the_view_is_delivered_and_keeps_the_progress() -> None:
    again = replace(HALF, status=TaskStatus.PROCESSING, progress=20, epoch="def", seq=1, attempt=2)
    assert delivered(HALF, again) == [HALF, replace(again, progress=45)]


def test_a_failed_task_shows_zero() -> None:
    failed = replace(HALF, status=TaskStatus.FAILED, progress=0, last_progress=45, seq=13)
    assert delivered(HALF, failed) == [HALF, failed]
