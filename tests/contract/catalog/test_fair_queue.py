"""Every catalog keeps these promises: whose job is next (``JobRepository.claim_next``)."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Executable, delete, update
from support.catalog import claim, claimed, content, finished, upload
from support.clock import FakeClock

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.schema import job_lines
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import JobState
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.upload import UploadState

ONE, TWO, THREE = UserId(1), UserId(2), UserId(3)


class Queue:
    """Jobs of several users in a catalog, each a second younger than the one before."""

    def __init__(self, catalog: Catalog, clock: FakeClock) -> None:
        self.catalog = catalog
        self._clock = clock
        self._count = 0
        self._names: dict[UploadId, str] = {}

    def add(
        self, user: UserId, name: str, lane: JobLane = JobLane.HEAVY, priority: int = 0
    ) -> UploadId:
        self._count += 1
        self._clock.advance(1)
        made = upload(user, priority=priority)
        self.catalog.uploads.add(made)
        finished_ = replace(content(made, f"{self._count:064x}"), lane=lane, priority=priority)
        self.catalog.uploads.finish(finished_, is_video=lane is JobLane.HEAVY)
        self._names[made.id] = name
        return made.id

    def take(self, *lanes: JobLane, per_user: int = 0) -> str | None:
        """Claim the next job and return its name; the job runs from then on."""
        self._clock.advance(1)
        job = claim(self.catalog, lanes=lanes or tuple(JobLane), per_user=per_user)
        return None if job is None else self._names[job.task_id]

    def end(self, name: str) -> None:
        """End the running job of this name."""
        for job in self.catalog.jobs.running():
            if self._names[job.task_id] == name:
                self.catalog.jobs.fail(job.task_id, fence=job.fence, error_code="x", error_msg="x")

    def carry_through(self, count: int) -> list[str | None]:
        """Return the jobs that one worker claims, each of which ends before the next."""
        names = []
        for _ in range(count):
            names.append(self.take())
            self.end(names[-1] or "")
        return names


@pytest.fixture
def queue(catalog: Catalog, clock: FakeClock) -> Queue:
    return Queue(catalog, clock)


def test_users_take_turns_and_each_users_jobs_are_in_order(queue: Queue) -> None:
    for number in range(4):
        queue.add(ONE, f"one-{number}")
    assert queue.carry_through(1) == ["one-0"]
    for number in range(2):
        queue.add(TWO, f"two-{number}")
    queue.add(THREE, "three-0")
    assert queue.carry_through(7) == [
        "two-0", "three-0", "one-1", "two-1", "one-2", "one-3", None,
    ]  # fmt: skip


def test_users_that_send_one_file_at_a_time_do_not_keep_another_waiting(queue: Queue) -> None:
    """Each of their files is the first of an empty line; this must not make it the next of all."""
    for number in range(3):
        queue.add(ONE, f"one-{number}")
    order: list[str | None] = []
    for number in range(3):
        queue.add(TWO, f"two-{number}")
        queue.add(THREE, f"three-{number}")
        order += queue.carry_through(3)
    assert order == [
        "one-0", "two-0", "three-0", "one-1", "two-1", "three-1", "one-2", "two-2", "three-2",
    ]  # fmt: skip


def test_the_user_with_fewer_running_jobs_is_next(queue: Queue) -> None:
    for number in range(5):
        queue.add(ONE, f"one-{number}")
    assert [queue.take(), queue.take()] == ["one-0", "one-1"]
    for number in range(3):
        queue.add(TWO, f"two-{number}")
    assert [queue.take(), queue.take()] == ["two-0", "two-1"]
    # Of long and short jobs the users have equal numbers of workers, not of turns.
    queue.end("two-0")
    assert queue.take() == "two-2"


def test_a_user_has_at_most_its_number_of_running_jobs_in_each_lane(queue: Queue) -> None:
    for number in range(3):
        queue.add(ONE, f"film-{number}")
    queue.add(ONE, "text", JobLane.LIGHT)
    assert queue.take(per_user=1) == "film-0"
    assert queue.take(per_user=1) == "text"
    assert queue.take(per_user=1) is None
    queue.add(TWO, "other")
    assert queue.take(per_user=1) == "other"
    queue.end("film-0")
    assert queue.take(per_user=1) == "film-1"
    assert queue.take(per_user=2) == "film-2"


def test_who_takes_light_jobs_alone_gets_no_film(queue: Queue) -> None:
    queue.add(ONE, "film")
    assert queue.take(JobLane.LIGHT) is None
    queue.add(TWO, "text", JobLane.LIGHT)
    assert queue.take(JobLane.LIGHT) == "text"
    assert queue.take(JobLane.LIGHT) is None
    assert queue.take() == "film"


def test_many_light_jobs_do_not_keep_a_film_waiting(queue: Queue) -> None:
    for number in range(5):
        queue.add(ONE, f"text-{number}", JobLane.LIGHT)
    queue.add(TWO, "film")
    assert queue.carry_through(3) == ["text-0", "film", "text-1"]


def test_a_higher_priority_is_before_all_others(queue: Queue) -> None:
    queue.add(ONE, "usual")
    queue.add(TWO, "low", priority=-1)
    queue.add(THREE, "high-0", priority=5)
    queue.add(THREE, "high-1", priority=5)
    assert queue.carry_through(4) == ["high-0", "high-1", "usual", "low"]


def test_within_a_line_too_and_what_is_not_due_holds_nothing_up(
    queue: Queue, catalog: Catalog, clock: FakeClock
) -> None:
    queue.add(ONE, "usual")
    high = queue.add(ONE, "high", priority=5)
    catalog.jobs.retry(
        high, fence=claimed(catalog, high), after_seconds=100, error_code="", error_msg="",
        counted=True,
    )  # fmt: skip
    assert queue.carry_through(1) == ["usual"]
    assert queue.take() is None
    clock.advance(100)
    assert queue.carry_through(1) == ["high"]


def test_a_job_that_was_given_back_keeps_its_place(queue: Queue, catalog: Catalog) -> None:
    first = queue.add(ONE, "first")
    queue.add(ONE, "second")
    catalog.jobs.release(first, fence=claimed(catalog, first))
    assert queue.carry_through(2) == ["first", "second"]


def test_a_killed_workers_job_keeps_its_place(
    queue: Queue, catalog: Catalog, clock: FakeClock
) -> None:
    first = queue.add(ONE, "first")
    queue.add(ONE, "second")
    claimed(catalog, first, seconds=10)
    clock.advance(11)
    catalog.jobs.reap(max_crashes=3)
    assert queue.carry_through(2) == ["first", "second"]


def test_a_light_job_that_turns_out_heavy_waits_among_the_heavy(
    queue: Queue, catalog: Catalog
) -> None:
    wrong = queue.add(ONE, "wrong", JobLane.LIGHT)
    queue.add(ONE, "film")
    fence = claimed(catalog, wrong)
    catalog.jobs.release(wrong, fence=fence, lane=JobLane.HEAVY)
    job = catalog.jobs.get(wrong)
    assert job is not None
    assert (job.lane, job.state, job.attempts) == (JobLane.HEAVY, JobState.QUEUED, 0)
    assert queue.take(JobLane.LIGHT) is None
    assert queue.carry_through(2) == ["wrong", "film"]


def test_a_cancelled_job_leaves_the_line(queue: Queue, catalog: Catalog) -> None:
    cancelled = queue.add(ONE, "cancelled")
    catalog.uploads.close(cancelled, UploadState.TERMINATED)
    assert queue.take() is None
    queue.add(ONE, "later")
    assert queue.carry_through(2) == ["later", None]


def test_a_reopened_job_waits_again(queue: Queue, catalog: Catalog) -> None:
    failed = queue.add(ONE, "failed")
    assert queue.carry_through(2) == ["failed", None]
    catalog.jobs.reopen(failed)
    assert queue.carry_through(2) == ["failed", None]


@pytest.mark.parametrize(
    "damage",
    [
        delete(job_lines),
        update(job_lines).values(waiting=False),
        update(job_lines).values(due_at=job_lines.c.due_at + 1_000_000),
    ],
    ids=["gone", "not waiting", "due too late"],
)
def test_a_line_that_a_repaired_database_lost_waits_again(
    queue: Queue, catalog: Catalog, damage: Executable
) -> None:
    assert isinstance(catalog, SqlCatalog)
    queue.add(ONE, "first")
    queue.add(ONE, "second")
    with catalog._database.engine.begin() as connection:
        connection.execute(damage)
    assert queue.take() is None
    catalog.jobs.reap(max_crashes=3)
    assert queue.carry_through(3) == ["first", "second", None]


def test_waiting_for_long_makes_no_messages(catalog: Catalog, clock: FakeClock) -> None:
    """100 films that wait for hours had a new message each every minute."""
    finished(catalog)
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_jobs(10)])
    for _ in range(3):
        clock.advance(100)
        catalog.jobs.reap(max_crashes=3)
        assert catalog.jobs.pending_jobs(10) == []
    assert claim(catalog) is not None


def test_workers_that_claim_together_get_each_job_once_and_keep_the_limit(
    queue: Queue, catalog: Catalog
) -> None:
    for number in range(6):
        queue.add(ONE, f"one-{number}")
        queue.add(TWO, f"two-{number}")
    start = threading.Barrier(8, timeout=30)
    got: list[tuple[UserId, UploadId]] = []

    def work(name: str) -> None:
        start.wait()
        for _ in range(3):
            job = claim(catalog, owner=name, per_user=3)
            if job is not None:
                got.append((job.user_id, job.task_id))

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({task for _, task in got}) == len(got) == 6
    assert sorted(user for user, _ in got) == [ONE] * 3 + [TWO] * 3


def test_who_waits_sees_the_lines_and_the_own_jobs(queue: Queue, catalog: Catalog) -> None:
    first = [queue.add(ONE, f"one-{number}") for number in range(3)]
    text = queue.add(ONE, "text", JobLane.LIGHT)
    queue.add(TWO, "two", priority=4)
    assert queue.take() == "two"
    queue.add(TWO, "two-1", priority=4)
    lines = {(line.lane, line.user_id): line for line in catalog.jobs.waiting_lines()}
    assert {key: (line.waiting, line.running, line.priority) for key, line in lines.items()} == {
        (JobLane.HEAVY, ONE): (3, 0, 0),
        (JobLane.LIGHT, ONE): (1, 0, 0),
        (JobLane.HEAVY, TWO): (1, 1, 4),
    }
    assert lines[JobLane.HEAVY, TWO].served_at > lines[JobLane.HEAVY, ONE].served_at == 0
    seen = catalog.jobs.waiting_jobs(ONE, 2)
    assert {(job.task_id, job.place) for job in seen} == {
        (text, 0), (first[0], 0), (first[1], 1),
    }  # fmt: skip


def test_a_job_that_is_put_first_is_next(queue: Queue, catalog: Catalog) -> None:
    queue.add(TWO, "high", priority=9)
    queue.add(ONE, "one-0")
    late = queue.add(ONE, "one-1")
    assert catalog.jobs.put_first(late)
    assert queue.carry_through(3) == ["one-1", "high", "one-0"]
    assert not catalog.jobs.put_first(late)
