"""Every task view keeps these promises (``tasks.port``)."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import FakeClock
from support.ids import fresh_id
from support.services import Redis
from support.task_changes import PENDING, RECEIVED, change, facts
from support.waiting import wait_until

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskChange, TaskStatus
from tusd_py.tasks.embedded import EmbeddedTaskView
from tusd_py.tasks.port import TaskView
from tusd_py.tasks.redis import RedisTaskView

TTL = 86400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["embedded", "embedded and alone", "redis"])
def view(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[TaskView]:
    opened: TaskView
    if request.param.startswith("embedded"):
        alone = request.param.endswith("alone")
        opened = EmbeddedTaskView(tmp_path / "tasks.sqlite3", clock=clock, defers=alone)
    else:
        server: Redis = request.getfixturevalue("redis_server")
        server.clear()
        opened = RedisTaskView(server.url, clock=clock)
    yield opened
    opened.close()


def test_what_was_put_is_read_back(view: TaskView, clock: FakeClock) -> None:
    about = facts()
    put = view.put(about, change(TaskStatus.COMPRESSING, 45, 2, "视频压缩中..."))
    found = view.get(about.task_id)
    assert found is not None
    assert found == put
    assert (found.facts, found.status, found.progress) == (about, TaskStatus.COMPRESSING, 45)
    assert (found.seq, found.attempt, found.updated_at) == (1, 2, clock.now())
    assert view.get(fresh_id()) is None


def test_what_has_arrived_is_kept_until_another_state_follows(view: TaskView) -> None:
    about = facts()
    for offset in (0, 2**40):
        change = TaskChange(status=TaskStatus.PENDING, progress=offset and 5, offset=offset)
        put = view.put(about, change)
        assert put is not None
        assert put.offset == offset
        assert view.get(about.task_id) == put
    received = view.put(about, RECEIVED)
    assert received is not None
    assert received.offset is None


def test_changes_put_together_are_as_those_put_one_by_one(view: TaskView) -> None:
    first, second = facts(), facts()
    received: list[int] = []
    view.subscribe_task(first.task_id, lambda task: received.append(task.seq))
    view.put(second, RECEIVED)
    view.put_all([(first, PENDING), (second, PENDING), (first, RECEIVED)])
    wait_until(lambda: received == [1, 2])
    found, other = view.get(first.task_id), view.get(second.task_id)
    assert found is not None
    assert other is not None
    assert (found.status, found.seq) == (TaskStatus.RECEIVED, 2)
    assert (other.status, other.seq) == (TaskStatus.RECEIVED, 1), (
        "its state was a later one already"
    )


def test_a_stale_change_is_not_shown(view: TaskView) -> None:
    about = facts()
    received: list[Task] = []
    view.subscribe_task(about.task_id, received.append)
    assert view.put(about, change(TaskStatus.COMPRESSING, 40, 2)) is not None
    assert view.put(about, change(TaskStatus.COMPRESSING, 39, 2)) is None
    assert view.put(about, change(TaskStatus.UPLOADING_OSS, 80, 1)) is None
    found = view.get(about.task_id)
    assert found is not None
    assert (found.progress, found.seq) == (40, 1)
    wait_until(lambda: received)
    assert len(received) == 1


def test_subscribers_receive_each_change_once_in_order(view: TaskView) -> None:
    about, other = facts(), facts(user=2)
    by_task: list[int] = []
    by_user: list[int] = []
    one = view.subscribe_task(about.task_id, lambda task: by_task.append(task.seq))
    mine = view.subscribe_user(about.user_id, lambda task: by_user.append(task.seq))
    for progress in range(5):
        view.put(about, change(TaskStatus.PENDING, progress + 1))
    view.put(other, PENDING)
    wait_until(lambda: len(by_user) == 5)
    assert by_task == by_user == [1, 2, 3, 4, 5]
    one.close()
    one.close()
    view.put(about, RECEIVED)
    wait_until(lambda: by_user[-1] == 6)
    assert by_task == [1, 2, 3, 4, 5]
    mine.close()


def test_a_subscriber_never_receives_what_is_not_readable_yet(view: TaskView) -> None:
    """Hole 2: state and notification are one step."""
    about = facts()
    older: list[int] = []

    def compare(task: Task) -> None:
        def look() -> None:
            found = view.get(about.task_id)
            if found is None or found.seq < task.seq:
                older.append(task.seq)

        thread = threading.Thread(target=look)
        thread.start()
        looks.append(thread)

    looks: list[threading.Thread] = []
    view.subscribe_task(about.task_id, compare)
    for progress in range(1, 30):
        view.put(about, change(TaskStatus.COMPRESSING, progress, 1))
    wait_until(lambda: len(looks) == 29)
    for look in looks:
        look.join()
    assert older == []


def test_tasks_are_listed_by_user_newest_first(view: TaskView) -> None:
    made = [facts(created_at=float(n)) for n in range(5)]
    for about in made:
        view.put(about, PENDING)
    view.put(facts(user=2), PENDING)
    assert [task.facts for task in view.newest(UserId(1), 10)] == made[::-1]
    assert [task.facts for task in view.newest(UserId(1), 2)] == [made[4], made[3]]
    assert view.newest(UserId(3), 10) == []


def test_unfinished_tasks_and_those_that_ended_late_are_found(
    view: TaskView, clock: FakeClock
) -> None:
    made = [facts(created_at=float(n)) for n in range(1, 5)]
    old, ended_before, ended_late, begun = made
    view.put(old, PENDING)
    clock.advance(TTL - 2)
    view.put(ended_before, change(TaskStatus.FAILED, 0))
    clock.advance(1)
    since = clock.now()
    view.put(ended_late, change(TaskStatus.COMPLETED, 100))
    view.put(begun, RECEIVED)
    view.put(facts(user=2), PENDING)

    def found(ended_since: float = math.inf) -> list[UploadId]:
        tasks = view.unfinished(UserId(1), ended_since=ended_since)
        return [task.facts.task_id for task in tasks]

    assert found() == [old.task_id, begun.task_id]
    assert found(since) == [old.task_id, ended_late.task_id, begun.task_id]
    assert found(since - 1) == [about.task_id for about in made]
    clock.advance(2)
    assert found() == [begun.task_id]
    assert view.unfinished(UserId(3)) == []


def test_tasks_are_found_by_their_ids(view: TaskView, clock: FakeClock) -> None:
    first, old, other = facts(), facts(), facts(user=2)
    view.put(old, PENDING)
    clock.advance(TTL - 1)
    view.put(first, PENDING)
    view.put(other, RECEIVED)
    clock.advance(2)
    lost = facts().task_id
    found = view.get_all([first.task_id, old.task_id, other.task_id, lost])
    assert {task_id: task.status for task_id, task in found.items()} == {
        first.task_id: TaskStatus.PENDING,
        other.task_id: TaskStatus.RECEIVED,
    }
    assert view.get_all([]) == {}


def test_a_task_lives_a_day_from_its_last_change(view: TaskView, clock: FakeClock) -> None:
    """Hole 3."""
    about, forgotten = facts(), facts()
    view.put(about, PENDING)
    view.put(forgotten, PENDING)
    clock.advance(TTL - 1)
    view.put(about, RECEIVED)
    clock.advance(2)
    assert view.get(about.task_id) is not None
    assert view.get(forgotten.task_id) is None
    assert view.expire() == 1
    assert [task.facts.task_id for task in view.newest(UserId(1), 10)] == [about.task_id]
    assert view.expire() == 0


def test_a_task_the_view_lost_starts_a_new_life(view: TaskView) -> None:
    about = facts()
    first = view.put(about, change(TaskStatus.COMPRESSING, 40, 1))
    view.forget(about.task_id)
    view.forget(about.task_id)
    again = view.put(about, change(TaskStatus.COMPRESSING, 41, 1))
    assert first is not None
    assert again is not None
    assert again.epoch != first.epoch
    assert again.facts == about


def test_many_threads_leave_one_order(view: TaskView) -> None:
    about = facts()
    received: list[Task] = []
    view.subscribe_task(about.task_id, received.append)

    def report(attempt: int) -> None:
        for progress in range(30, 60):
            view.put(about, change(TaskStatus.COMPRESSING, progress, attempt))

    threads = [threading.Thread(target=report, args=(attempt,)) for attempt in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = view.get(about.task_id)
    assert shown is not None
    wait_until(lambda: received and received[-1].seq == shown.seq)
    assert [task.seq for task in received] == list(range(1, len(received) + 1))
    assert [task.progress for task in received] == sorted(task.progress for task in received)
    assert [task.attempt for task in received] == sorted(task.attempt for task in received)


def test_a_view_that_answers_passes_its_check(view: TaskView) -> None:
    view.check()


def test_a_view_that_holds_more_takes_up_more(view: TaskView) -> None:
    view.put(facts(), PENDING)
    before = view.memory_bytes()
    assert before > 0
    for _ in range(300):
        view.put(facts(), change(TaskStatus.PENDING, 3, message="x" * 1000))
    assert view.memory_bytes() > before + 100_000


def test_a_completed_task_shows_what_was_made_of_its_file_again(view: TaskView) -> None:
    about = facts()

    def completed(path: str, attempt: int, *, again: bool = True) -> str | None:
        step = TaskChange(
            status=TaskStatus.COMPLETED, progress=100, attempt=attempt, oss_path=path, again=again
        )
        shown = view.put(about, step)
        return shown.oss_path if shown is not None else None

    assert completed("/a", 1) == "/a"
    assert completed("/a", 1) is None
    assert completed("/b", 2, again=False) is None
    assert completed("/b", 2) == "/b"
    assert completed("/c", 2) == "/c"
    assert completed("/d", 1) is None
    failed = TaskChange(status=TaskStatus.FAILED, progress=0, attempt=3, again=True)
    assert view.put(about, failed) is None
