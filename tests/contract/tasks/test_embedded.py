"""What the view of tasks in a SQLite file promises besides the port: to other processes."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from support.clock import FakeClock
from support.ids import fresh_id
from support.siblings import listens, siblings_in
from support.task_changes import PENDING, RECEIVED, change, facts
from support.waiting import wait_until

from tusd_py.domain.task import Task, TaskStatus
from tusd_py.sibling_bus import SiblingBus, Topic
from tusd_py.tasks import embedded, sqlite_file
from tusd_py.tasks.embedded import EmbeddedTaskView

TTL = 86400.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


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
    real_version = embedded.data_version
    done: list[Task | None] = []

    def version(database: sqlite3.Connection) -> int:
        found = real_version(database)
        if not done:
            done.append(None)
            done.append(worker.put(about, change(TaskStatus.COMPLETED, 100, 1)))
        return found

    monkeypatch.setattr(embedded, "data_version", version)
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
        wait_until(lambda: listens(buses[1], Topic.TASK, 0))
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
