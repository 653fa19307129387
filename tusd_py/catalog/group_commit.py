"""Writers of one SQLite file that queue up share a transaction, and its sync.

SQLite has one writer at a time, so threads wait for each other anyhow. Whoever's turn it is runs the
work of all that wait and commits once. No thread gets its outcome before that commit. When some work
fails, all of it is taken back and done again, each in a savepoint, which a failure takes back alone:
as a rule none fails, and savepoints would be a quarter of the statements.

A thread that has several things to write brings them at once (``together``); what it writes and
reads while they run goes through their transaction.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from tusd_py.catalog.fast_statement import sqlite_of
from tusd_py.catalog.values import Result
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace

T = TypeVar("T")
Work = Callable[[Connection], Any]
"""May be done twice; what the first time changed in the database is taken back before."""
_NO_CONNECTION: Final = (OperationalError, sqlite3.OperationalError)
"""Locked, full, damaged: no work is to blame, and a second time would wait a second time."""

MAX_BATCH: Final = 64
"""Other processes wait for the file meanwhile."""


class _Entry:
    """One writer's work, and what came of it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done: Result | None = None


class GroupCommit:
    """Runs functions in transactions of the engine's, from any thread."""

    def __init__(self, engine: Engine, spare: SpareSpace = NO_SPARE_SPACE) -> None:
        self._engine = engine
        self._spare = spare
        self._turn = threading.Lock()
        self._waiting: deque[_Entry] = deque()
        self._thread_connection = threading.local()

    @property
    def current(self) -> Connection | None:
        """The connection of the ``together`` or ``within`` that this thread is in."""
        found: Connection | None = getattr(self._thread_connection, "connection", None)
        return found

    def write(self, work: Callable[[Connection], T]) -> T:
        """All of it, durable, or nothing. Raises: what ``work`` raises; SQLAlchemyError, sqlite3.Error."""
        if (current := self.current) is not None:
            return work(current)
        entry = _Entry(work)
        self._waiting.append(entry)
        with self._turn:
            while entry.done is None:
                self._lead()
        result: T = entry.done.result()
        return result

    def run_as_one_transaction(self, works: Sequence[Callable[[], object]]) -> list[Result]:
        """Run the works, which write through this object, in this thread and in one transaction.

        Returns: what each came to, in order.
        """
        with self._turn:
            return self._commit([_in_thread(work) for work in works])

    def _lead(self) -> None:
        batch: list[_Entry] = []
        while self._waiting and len(batch) < MAX_BATCH:
            batch.append(self._waiting.popleft())
        for entry, done in zip(batch, self._commit([e.work for e in batch]), strict=True):
            entry.done = done

    def _commit(self, works: Sequence[Work]) -> list[Result]:
        outcomes: list[Result] = []
        try:
            self._transaction(works, _plainly, outcomes)
        except Exception as error:  # noqa: BLE001  (it is raised to whom it belongs)
            if len(works) == 1 or isinstance(error, _NO_CONNECTION):
                return [Result(error=error)] * len(works)
        else:
            return outcomes
        try:
            self._transaction(works, _guarded, outcomes)
        except Exception as error:  # noqa: BLE001  (it is raised to each of them)
            failed = [done.error or error for done in outcomes]
            failed += [error] * (len(works) - len(outcomes))
            return [Result(error=each) for each in failed]
        return outcomes

    def _transaction(
        self,
        works: Sequence[Work],
        run: Callable[[Connection, Work], Result],
        outcomes: list[Result],
    ) -> None:
        self._spare.retrying(lambda: self._attempt(works, run, outcomes))

    def _attempt(
        self,
        works: Sequence[Work],
        run: Callable[[Connection, Work], Result],
        outcomes: list[Result],
    ) -> None:
        outcomes.clear()
        with self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            with self.on_connection(connection):
                outcomes.extend(run(connection, work) for work in works)

    @contextmanager
    def on_connection(self, connection: Connection) -> Iterator[None]:
        """What this thread reads and writes in the block goes through the connection."""
        self._thread_connection.connection = connection
        try:
            yield
        finally:
            self._thread_connection.connection = None


def _in_thread(work: Callable[[], object]) -> Work:
    return lambda _connection: work()


def _plainly(connection: Connection, work: Work) -> Result:
    """Raises: what the work raises; sqlite3.OperationalError: SQLite has ended the transaction, and
    what follows would be one of its own."""
    done = Result(work(connection))
    if not sqlite_of(connection).in_transaction:
        raise sqlite3.OperationalError("the transaction is over")
    return done


def _guarded(connection: Connection, work: Work) -> Result:
    """Raises: sqlite3.Error: the whole transaction is gone (a full disk ends it)."""
    driver = sqlite_of(connection)
    driver.execute("SAVEPOINT work")
    try:
        done = Result(work(connection))
    except Exception as error:
        if not driver.in_transaction:
            raise
        done = Result(error=error)
        driver.execute("ROLLBACK TO work")
    driver.execute("RELEASE work")
    return done
