"""Tests that positions in the queue are right and need few reads of the catalog."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
from support.clock import FakeClock
from support.ids import fresh_id

from tusd_py.domain.errors import BackendError
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.domain.waiting import WaitingJob, WaitingLine
from tusd_py.tasks.queue_positions import QueuePositions
from tusd_py.threads import Threads

ME, OTHER = UserId(1), UserId(2)


def line(user: UserId, waiting: int) -> WaitingLine:
    return WaitingLine(
        lane=JobLane.HEAVY, user_id=user, priority=0, waiting=waiting, running=0, served_at=0.0
    )


@dataclass
class Waiting:
    """Stands for a catalog, and records its reads."""

    jobs: list[UploadId]
    reads: list[str] = field(default_factory=list)
    missing: str = ""
    """The name of the read that fails."""

    def _note(self, name: str) -> None:
        self.reads.append(name)
        if name == self.missing:
            raise BackendError

    def waiting_lines(self) -> Sequence[WaitingLine]:
        self._note("lines")
        return [line(ME, len(self.jobs)), line(OTHER, 2)]

    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        self._note("jobs")
        mine = self.jobs[:limit] if user_id == ME else []
        return [
            WaitingJob(task_id=task_id, lane=JobLane.HEAVY, place=place)
            for place, task_id in enumerate(mine)
        ]


def task(task_id: UploadId, status: TaskStatus = TaskStatus.RECEIVED, user: UserId = ME) -> Task:
    return Task(
        facts=TaskFacts(task_id=task_id, user_id=user, filename="", file_size=1, created_at=0.0),
        status=status, progress=10, message="", attempt=0, epoch="1", seq=1, updated_at=0.0,
    )  # fmt: skip


def on_a_loop(
    catalog: Waiting, clock: FakeClock, scene: Callable[[QueuePositions], Awaitable[None]]
) -> None:
    """Run a scene with positions on an event loop whose time is that of the clock."""

    async def run() -> None:
        asyncio.get_running_loop().time = clock.monotonic  # type: ignore[method-assign]
        threads = Threads()
        try:
            await scene(QueuePositions(catalog, threads))
        finally:
            threads.close()

    asyncio.run(run())


def test_a_waiting_task_has_its_place() -> None:
    catalog = Waiting([fresh_id() for _ in range(4)])

    async def scene(places: QueuePositions) -> None:
        found = [await places.with_position(task(one)) for one in catalog.jobs]
        assert [one.queue_position for one in found] == [0, 2, 4, 5]
        assert (await places.with_position(task(fresh_id()))).queue_position is None

    on_a_loop(catalog, FakeClock(), scene)


def test_a_task_that_does_not_wait_causes_no_read() -> None:
    catalog = Waiting([fresh_id()])

    async def scene(places: QueuePositions) -> None:
        for status in TaskStatus:
            if status not in (TaskStatus.RECEIVED, TaskStatus.PROCESSING):
                placed = await places.with_position(task(catalog.jobs[0], status))
                assert placed.queue_position is None

    on_a_loop(catalog, FakeClock(), scene)
    assert catalog.reads == []


def test_the_number_of_followed_tasks_does_not_increase_the_reads_of_the_catalog() -> None:
    catalog, clock = Waiting([fresh_id() for _ in range(100)]), FakeClock()

    async def scene(places: QueuePositions) -> None:
        await asyncio.gather(*(places.with_position(task(one)) for one in catalog.jobs))
        assert catalog.reads == ["jobs", "lines"]
        await places.with_position(task(fresh_id(), user=OTHER))
        assert catalog.reads == ["jobs", "lines", "jobs"]
        clock.advance(2.5)
        await places.with_position(task(catalog.jobs[0]))
        assert catalog.reads == ["jobs", "lines", "jobs", "jobs"]
        clock.advance(3)
        await places.with_position(task(catalog.jobs[0]))
        assert catalog.reads[-2:] == ["jobs", "lines"]

    on_a_loop(catalog, clock, scene)


@pytest.mark.parametrize("missing", ["jobs", "lines"])
def test_an_unreachable_catalog_is_tried_rarely_and_hides_no_task(missing: str) -> None:
    catalog, clock = Waiting([fresh_id() for _ in range(100)], missing=missing), FakeClock()

    async def scene(places: QueuePositions) -> None:
        waiting = [task(one) for one in catalog.jobs]
        assert await asyncio.gather(*map(places.with_position, waiting)) == waiting
        assert await places.with_position(waiting[0]) == waiting[0]
        assert catalog.reads.count(missing) == 1
        clock.advance(6)
        catalog.missing = ""
        assert (await places.with_position(waiting[3])).queue_position is not None

    on_a_loop(catalog, clock, scene)
