"""Every task view keeps these promises (``tasks.port``)."""

import math
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support.clock import FakeClock
from support.ids import fresh_id
from support.services import Redis
from support.siblings import siblings_in
from support.waiting import wait_until

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskChange, TaskFacts, TaskStatus
from tusd_py.sibling_bus import SiblingBus
from tusd_py.tasks import embedded, sqlite_file
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


def facts(user: int = 1, created_at: float = 5.0, task_id: UploadId | None = None) -> TaskFacts:
    return TaskFacts(
        task_id=task_id or fresh_id(), user_id=UserId(user), filename="视频.mp4", file_size=9,
        created_at=created_at, file_hash="a" * 64, temp_path="/data/x",
    )  # fmt: skip


def change(status: TaskStatus, progress: int, attempt: int = 0, message: str = "") -> TaskChange:
    return TaskChange(status=status, progress=progress, attempt=attempt, message=message)


PENDING, RECEIVED = change(TaskStatus.PENDING, 3), change(TaskStatus.RECEIVED, 10)


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
    wait_until(lambda: received[-1].seq == shown.seq)
    assert [task.seq for task in received] == list(range(1, len(received) + 1))
    assert [task.progress for task in received] == sorted(task.progress for task in received)
    assert [task.attempt for task in received] == sorted(task.attempt for task in received)


CHILD = """
import sys
from pathlib import Path
from tusd_py.clock import SystemClock
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus
from tusd_py.sibling_bus import SiblingBus
from tusd_py.tasks import embedded, sqlite_file
from tusd_py.tasks.embedded import EmbeddedTaskView
view = EmbeddedTaskView(Path(sys.argv[1]), clock=SystemClock())
facts = TaskFacts(
    task_id=UploadId(sys.argv[2]), user_id=UserId(1), filename="", file_size=1, created_at=1.0
)
for progress in (30, 40, 50):
    view.put(facts, TaskChange(status=TaskStatus.COMPRESSING, progress=progress, attempt=1))
view.close()
"""


def test_what_another_process_puts_is_received(tmp_path: Path) -> None:
    from tusd_py.clock import SystemClock

    view = EmbeddedTaskView(tmp_path / "tasks.sqlite3", clock=SystemClock())
    task_id = fresh_id()
    received: list[Task] = []
    subscription = view.subscribe_task(task_id, received.append)
    subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "tasks.sqlite3"), task_id], check=True
    )
    wait_until(lambda: received and received[-1].progress == 50)
    assert [task.seq for task in received] == sorted({task.seq for task in received})
    subscription.close()
    view.close()


def test_processes_that_take_turns_continue_each_others_tasks(
    tmp_path: Path, clock: FakeClock
) -> None:
    with ExitStack() as stack:
        path = tmp_path / "tasks.sqlite3"
        here, there = (EmbeddedTaskView(path, clock=clock) for _ in range(2))
        for opened in (here, there):
            stack.callback(opened.close)
        about = facts()
        epochs, numbers = set(), []
        for number, one in enumerate((here, here, there, here, there)):
            put = one.put(about, change(TaskStatus.COMPRESSING, 30 + number, 1))
            assert put is not None
            epochs.add(put.epoch)
            numbers.append(put.seq)
        assert numbers == [1, 2, 3, 4, 5]
        assert len(epochs) == 1
        there.forget(about.task_id)
        after = here.put(about, change(TaskStatus.COMPRESSING, 50, 1))
        assert after is not None
        assert after.epoch not in epochs
        there.expire()
        clock.advance(TTL + 1)
        assert there.expire() == 1
        again = here.put(about, PENDING)
        assert again is not None
        assert (again.seq, again.status) == (1, TaskStatus.PENDING)


@pytest.fixture
def pair(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[EmbeddedTaskView, EmbeddedTaskView]]:
    """Open the views of a server that is alone and of a worker of its own; no time ends a state."""
    monkeypatch.setattr(embedded, "UNSEEN_SECONDS", 600.0)
    path = tmp_path / "tasks.sqlite3"
    with ExitStack() as stack:
        views = [EmbeddedTaskView(path, clock=clock, defers=defers) for defers in (True, False)]
        for opened in views:
            stack.callback(opened.close)
        yield views[0], views[1]


def test_unseen_states_are_written_before_a_reader_looks(
    pair: tuple[EmbeddedTaskView, EmbeddedTaskView],
) -> None:
    server, worker = pair
    first, second = facts(), facts()
    for status in (PENDING, RECEIVED):
        server.put(first, status)
    assert worker.get(first.task_id) is None
    seen = server.get(first.task_id)
    assert seen is not None
    assert (seen.seq, seen.status) == (2, TaskStatus.RECEIVED)
    assert worker.get(first.task_id) == seen

    # The worker goes on with a task that the server has not written yet.
    server.put(second, RECEIVED)
    begun = worker.put(second, change(TaskStatus.COMPRESSING, 40, 1))
    assert server.get(second.task_id) == begun

    # What the server knows last stays, also after a change by the worker.
    worker.put(first, change(TaskStatus.COMPRESSING, 40, 1))
    server.put(first, change(TaskStatus.COMPLETED, 100, 1))
    received: list[Task] = []
    subscription = server.subscribe_task(first.task_id, received.append)
    ended = server.get(first.task_id)
    assert ended is not None
    assert (ended.epoch, ended.seq, ended.status) == (seen.epoch, 4, TaskStatus.COMPLETED)
    assert worker.get(first.task_id) == ended
    subscription.close()


def test_unseen_states_are_written_by_themselves(
    pair: tuple[EmbeddedTaskView, EmbeddedTaskView],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, other = pair
    monkeypatch.setattr(embedded, "UNSEEN_SECONDS", 0.01)
    for about in (facts(), facts()):
        server.put(about, PENDING)
        wait_until(lambda about=about: other.get(about.task_id) is not None)
    monkeypatch.setattr(embedded, "UNSEEN_SECONDS", 600.0)
    monkeypatch.setattr(embedded, "MAX_UNSEEN", 3)
    many = [facts() for _ in range(5)]
    for about in many:
        server.put(about, PENDING)
    assert len(other.get_all([about.task_id for about in many])) == 4


def test_an_unseen_state_does_not_replace_what_another_process_has_made_of_the_task(
    pair: tuple[EmbeddedTaskView, EmbeddedTaskView],
) -> None:
    server, worker = pair
    about = facts()
    server.put(about, PENDING)
    assert server.get(about.task_id) is not None
    # The server counts more changes than the worker, and has written none of them.
    for progress in (4, 5, 6):
        server.put(about, change(TaskStatus.PENDING, progress))
    server.put(about, RECEIVED)
    worker.put(about, change(TaskStatus.COMPRESSING, 40, 1))
    done = worker.put(about, change(TaskStatus.COMPLETED, 100, 1))
    assert server.get(about.task_id) == done
    assert worker.get(about.task_id) == done


def test_a_change_by_another_process_between_two_looks_is_not_overwritten(
    pair: tuple[EmbeddedTaskView, EmbeddedTaskView],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, worker = pair
    about = facts()
    server.put(about, RECEIVED)
    real_version = embedded._version
    done: list[Task | None] = []

    def version(database: sqlite3.Connection) -> int:
        found = real_version(database)
        if not done:
            done.append(None)
            done.append(worker.put(about, change(TaskStatus.COMPLETED, 100, 1)))
        return found

    monkeypatch.setattr(embedded, "_version", version)
    server.put(facts(), PENDING)
    assert server.get(about.task_id) == done[-1]


def test_a_file_that_cannot_be_written_is_still_read(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "UNSEEN_SECONDS", 600.0)
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.01)
    path = tmp_path / "tasks.sqlite3"
    with ExitStack() as stack:
        view = EmbeddedTaskView(path, clock=clock, defers=True)
        stack.callback(view.close)
        about, later = facts(), facts()
        view.put(about, PENDING)
        before = view.get(about.task_id)
        assert before is not None
        for one in (about, later):
            view.put(one, RECEIVED)
        received: list[Task] = []
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            assert view.get_all([about.task_id, later.task_id]) == {about.task_id: before}
            subscription = view.subscribe_task(about.task_id, received.append)
            stack.callback(subscription.close)
            writer.execute("ROLLBACK")
        after = view.get_all([about.task_id, later.task_id])
        assert [task.status for task in after.values()] == [TaskStatus.RECEIVED] * 2


def test_changes_of_others_are_received_after_the_file_could_not_be_opened_once(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "RETRY_SECONDS", 0.01)
    path = tmp_path / "tasks.sqlite3"
    with ExitStack() as stack:
        here, there = (EmbeddedTaskView(path, clock=clock) for _ in range(2))
        for opened in (here, there):
            stack.callback(opened.close)
        failures = [sqlite3.OperationalError("unable to open database file"), OSError("no files")]

        def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
            if failures:
                raise failures.pop()
            return sqlite_file.connect(*arguments, **named)

        monkeypatch.setattr(embedded, "connect", connect)
        about = facts()
        received: list[Task] = []
        stack.callback(here.subscribe_task(about.task_id, received.append).close)
        put = there.put(about, RECEIVED)
        wait_until(lambda: received == [put])


def test_what_a_sibling_puts_is_received_without_a_look_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setattr(embedded, "POLL_SECONDS", 600.0)
    with ExitStack() as stack:
        buses = [SiblingBus(siblings_in(tmp_path, number)) for number in range(2)]
        path = tmp_path / "tasks.sqlite3"
        here, there = (EmbeddedTaskView(path, clock=clock, bus=bus) for bus in buses)
        for opened in (*buses, here, there):
            stack.callback(opened.close)
        about = facts()
        received: list[Task] = []
        subscription = here.subscribe_task(about.task_id, received.append)
        wait_until(lambda: bool((tmp_path / "processes" / "task.0").exists()))
        for seq, status in enumerate((PENDING, RECEIVED), 1):
            there.put(about, status)
            wait_until(lambda seq=seq: received and received[-1].seq == seq)
        subscription.close()
        # The look that notices that there is no subscriber any more.
        there.put(facts(), PENDING)


def test_an_unreadable_view_is_begun_again(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "tasks.sqlite3"
    path.write_bytes(b"this is no database at all, whatever its name" * 100)
    view = EmbeddedTaskView(path, clock=clock)
    about = facts()
    assert view.put(about, PENDING) is not None
    view.close()


def test_processes_that_find_an_unreadable_view_at_once_begin_one_again(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tasks.sqlite3"
    first = EmbeddedTaskView(path, clock=clock)
    connect, found = embedded.connect, iter([sqlite3.DatabaseError("malformed")])

    def finds_it_before(*args: Any, **values: Any) -> sqlite3.Connection:
        for error in found:
            raise error
        return connect(*args, **values)

    monkeypatch.setattr(embedded, "connect", finds_it_before)
    second = EmbeddedTaskView(path, clock=clock)
    about = facts()
    assert first.put(about, PENDING) == second.get(about.task_id) is not None
    first.close()
    second.close()


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
