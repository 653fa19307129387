"""Places in the queue are right, and cost the catalog little."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from support.clock import FakeClock
from support.room import fresh_id

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.domain.waiting import WaitingJob, WaitingLine
from tusd_py.tasks.places import Places

ME, OTHER = UserId(1), UserId(2)


def line(user: UserId, waiting: int) -> WaitingLine:
    return WaitingLine(
        lane=JobLane.HEAVY, user_id=user, priority=0, waiting=waiting, running=0, served_at=0.0
    )


@dataclass
class Waiting:
    """A catalog that counts what is read."""

    jobs: list[UploadId]
    reads: list[str] = field(default_factory=list)

    def waiting_lines(self) -> Sequence[WaitingLine]:
        self.reads.append("lines")
        return [line(ME, len(self.jobs)), line(OTHER, 2)]

    def waiting_jobs(self, user_id: UserId, limit: int) -> Sequence[WaitingJob]:
        self.reads.append("jobs")
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


def test_a_waiting_task_has_its_place() -> None:
    catalog = Waiting([fresh_id() for _ in range(4)])
    places = Places(catalog, FakeClock())
    assert [places.placed(task(one)).queue_position for one in catalog.jobs] == [0, 2, 4, 5]
    assert places.placed(task(fresh_id())).queue_position is None


def test_what_does_not_wait_costs_nothing() -> None:
    catalog = Waiting([fresh_id()])
    places = Places(catalog, FakeClock())
    for status in TaskStatus:
        if status not in (TaskStatus.RECEIVED, TaskStatus.PROCESSING):
            assert places.placed(task(catalog.jobs[0], status)).queue_position is None
    assert catalog.reads == []


def test_the_catalog_is_read_seldom_whatever_number_of_tasks_is_followed() -> None:
    catalog, clock = Waiting([fresh_id() for _ in range(100)]), FakeClock()
    places = Places(catalog, clock)
    for one in catalog.jobs:
        places.placed(task(one))
    assert catalog.reads == ["jobs", "lines"]
    places.placed(task(fresh_id(), user=OTHER))
    assert catalog.reads == ["jobs", "lines", "jobs"]
    clock.advance(2)
    places.placed(task(catalog.jobs[0]))
    assert catalog.reads == ["jobs", "lines", "jobs", "jobs"]
    clock.advance(3)
    places.placed(task(catalog.jobs[0]))
    assert catalog.reads[-2:] == ["jobs", "lines"]
