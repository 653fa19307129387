import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from support.waiting import wait_until

from tusd_py.catalog import group_commit
from tusd_py.catalog.database import Database, Transactions, sqlite_url
from tusd_py.domain.errors import BackendError, UploadNotFound
from tusd_py.threads import Result
from tusd_py.write_turn import SiblingWriteTurn


class Writers:
    """Threads that write to one table at once, while the first of them delays all others."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(sqlite_url(folder / "c.sqlite3"))
        self.database.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x INTEGER UNIQUE)"))
        self.commits = 0
        self.results: dict[int, Any] = {}
        self.may_commit = threading.Event()
        self.may_commit.set()
        event.listen(self.database.engine, "commit", self._committing)

    def _committing(self, _connection: object) -> None:
        self.commits += 1
        self.may_commit.wait(10)

    def insert(self, value: int) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            connection.exec_driver_sql(f"INSERT INTO t VALUES ({value})")
            return value

        return work

    def commit_all(self, works: Sequence[Callable[[Transactions], object]]) -> Sequence[Result]:
        return self.database.commit_all(works, lambda transactions: transactions)

    def at_once(self, works: dict[int, Callable[[Connection], Any]]) -> None:
        """Start all of ``works`` while one writer's turn lasts; the result of each is kept."""
        inside, release = threading.Event(), threading.Event()

        def hold(_connection: Connection) -> None:
            inside.set()
            release.wait(10)

        def run(number: int, work: Callable[[Connection], Any]) -> None:
            try:
                self.results[number] = self.database.write(work)
            except Exception as error:  # noqa: BLE001
                self.results[number] = error

        threads = [threading.Thread(target=run, args=(-1, hold))]
        threads[0].start()
        inside.wait(10)
        for number, work in works.items():
            threads.append(threading.Thread(target=run, args=(number, work)))
            threads[-1].start()
        wait_until(lambda: len(self.database._group._waiting) == len(works))
        self.commits = 0
        release.set()
        for thread in threads:
            thread.join(10)

    def rows(self) -> list[int]:
        return rows(self.database)


def rows(transactions: Transactions) -> list[int]:
    """Return the values of the table, in order."""
    return transactions.read(
        lambda c: [row[0] for row in c.exec_driver_sql("SELECT x FROM t ORDER BY x")]
    )


@pytest.fixture
def writers(tmp_path: Path) -> Any:
    opened = Writers(tmp_path)
    yield opened
    opened.database.close()


def test_writers_that_wait_share_one_commit(writers: Writers) -> None:
    writers.at_once({number: writers.insert(number) for number in range(20)})
    assert writers.rows() == list(range(20))
    assert writers.results == {-1: None, **{number: number for number in range(20)}}
    # There is one commit of the writer that delayed them, and one of theirs.
    assert writers.commits == 2


def test_ones_error_is_its_own(writers: Writers) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (100)")
        raise UploadNotFound

    writers.at_once({1: writers.insert(1), 2: fail, 3: writers.insert(1), 4: writers.insert(4)})
    assert writers.rows() == [1, 4]
    assert isinstance(writers.results[2], UploadNotFound)
    failed = [number for number in (1, 3) if isinstance(writers.results[number], BackendError)]
    assert len(failed) == 1, "both can't have the same value"
    assert writers.results[4] == 4


def test_a_failed_commit_is_everybodys(writers: Writers) -> None:
    def broken(_connection: object) -> None:
        raise OSError("the disk is gone")

    event.listen(writers.database.engine, "commit", broken)
    writers.at_once({number: writers.insert(number) for number in range(3)})
    event.remove(writers.database.engine, "commit", broken)
    assert all(isinstance(result, OSError) for result in writers.results.values())
    assert len(writers.results) == 4
    assert writers.rows() == []
    assert writers.database.write(writers.insert(7)) == 7


def test_no_write_returns_before_the_commit(writers: Writers) -> None:
    writers.may_commit.clear()
    telling = threading.Thread(
        target=lambda: writers.results.update({1: writers.database.write(writers.insert(1))})
    )
    telling.start()
    wait_until(lambda: writers.commits == 1)
    assert writers.results == {}
    writers.may_commit.set()
    telling.join(10)
    assert writers.results == {1: 1}


def test_a_transaction_that_sqlite_ended_by_itself_is_everybodys(writers: Writers) -> None:
    writers.at_once(
        {
            1: writers.insert(1),
            2: lambda connection: connection.exec_driver_sql("ROLLBACK"),
            3: writers.insert(3),
        }
    )
    assert {type(writers.results[number]) for number in (1, 2, 3)} == {BackendError}
    assert writers.rows() == []


def test_what_one_thread_brings_together_is_one_commit(writers: Writers) -> None:
    seen: list[int] = []

    def write(transaction: Transactions, value: int) -> int:
        written = transaction.write(writers.insert(value))
        seen.append(len(rows(transaction)))
        return written

    writers.commits = 0
    outcomes = writers.commit_all([lambda t, n=n: write(t, n) for n in (1, 2, 3)])  # type: ignore[misc]
    assert [done.result() for done in outcomes] == [1, 2, 3]
    assert writers.commits == 1
    assert seen == [1, 2, 3], "each sees what it and those before it wrote"
    assert writers.rows() == [1, 2, 3]


def test_of_works_brought_together_a_failed_one_leaves_nothing(writers: Writers) -> None:
    def half(transaction: Transactions) -> None:
        transaction.write(writers.insert(1))
        transaction.write(writers.insert(2))
        raise UploadNotFound

    def taken(transaction: Transactions) -> int:
        return transaction.write(writers.insert(4))

    outcomes = writers.commit_all([half, taken, taken])
    assert isinstance(outcomes[0].error, UploadNotFound)
    assert outcomes[1].result() == 4
    assert isinstance(outcomes[2].error, BackendError), "the table has 4 already"
    assert writers.rows() == [4]


def test_a_failed_commit_fails_all_writes_of_its_group(writers: Writers) -> None:
    def broken(_connection: object) -> None:
        raise OSError("the disk is gone")

    event.listen(writers.database.engine, "commit", broken)
    outcomes = writers.commit_all(
        [lambda t, n=n: t.write(writers.insert(n)) for n in (1, 2)]  # type: ignore[misc]
    )
    event.remove(writers.database.engine, "commit", broken)
    assert [type(done.error) for done in outcomes] == [OSError, OSError]
    assert writers.rows() == []


def test_works_run_once_and_again_only_in_a_group_with_one_that_fails(writers: Writers) -> None:
    done: list[int] = []

    def counted(value: int) -> Callable[[Transactions], object]:
        def work(transaction: Transactions) -> None:
            done.append(value)
            transaction.write(writers.insert(value))

        return work

    writers.commit_all([counted(1), counted(2)])
    assert done == [1, 2]
    writers.commit_all([counted(3), counted(1), counted(4)])
    assert done == [1, 2, 3, 1, 3, 1, 4], "the works run until the failure, then all again"
    assert writers.rows() == [1, 2, 3, 4]


def test_trouble_of_the_database_is_not_waited_for_twice(writers: Writers) -> None:
    tried: list[int] = []

    def locked(_connection: Connection) -> None:
        tried.append(1)
        raise sqlite3.OperationalError("database is locked")

    writers.at_once({1: writers.insert(1), 2: locked, 3: writers.insert(3)})
    assert [type(writers.results[number]) for number in (1, 2, 3)] == [BackendError] * 3
    assert tried == [1]
    assert writers.rows() == []


def test_a_read_without_a_connection_fails_all_readers(writers: Writers) -> None:
    def gone(*_arguments: object) -> None:
        raise OperationalError("connect", {}, OSError("no descriptors"))

    event.listen(writers.database.engine, "checkout", gone)
    outcomes = writers.database.read_all([rows, rows], lambda transactions: transactions)
    event.remove(writers.database.engine, "checkout", gone)
    assert [type(done.error) for done in outcomes] == [BackendError, BackendError]


def test_works_of_one_transaction_share_what_they_are_given(writers: Writers) -> None:
    made: list[Transactions] = []

    def bind(transactions: Transactions) -> Transactions:
        made.append(transactions)
        return transactions

    given: list[Transactions] = []
    writers.database.commit_all([given.append, given.append, given.append], bind)
    assert len(made) == 1
    assert given == made * 3


def test_a_turn_that_another_process_keeps_ends_as_a_locked_file_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "BUSY_SECONDS", 0.01)
    here, there = (SiblingWriteTurn(tmp_path / "turn") for _ in range(2))
    database = Database(sqlite_url(tmp_path / "c.sqlite3"), turn=here)
    with there.taken(60), pytest.raises(BackendError) as caught:
        database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (a)"))
    assert "database is locked" in caught.value.reason
    database.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (a)"))
    database.close()
