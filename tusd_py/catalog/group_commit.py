"""Commits the work of several threads on one SQLite file in one transaction, with one sync.

SQLite has one writer at a time, so threads wait for each other in any case. The thread that holds
the lock runs the work of all that wait, and commits once. A thread gets its result after that
commit. When one work fails, the transaction is rolled back and all works run again, each in a
savepoint, so that only the failed one is rolled back. Savepoints from the start would be a quarter
of the statements, and failures are rare.
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
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace
from tusd_py.threads import Result
from tusd_py.write_turn import SOLE_WRITER, TurnMissed, WriteTurn

T = TypeVar("T")
C = TypeVar("C")
Work = Callable[[Connection], Any]
"""Changes the database. It may run twice; what its first run changed is rolled back before."""
_DATABASE_ERRORS: Final = (OperationalError, sqlite3.OperationalError)
"""Locked, full, damaged: no work is the cause, and a second run would only wait again."""

BUSY_SECONDS: Final = 10.0
"""How long a writer of SQLite waits for the transaction of another process.

It waits once: a process that was stopped (SIGSTOP) inside its transaction delays all others, and
they must still be able to end.
"""
MAX_BATCH: Final = 64
"""Works of one transaction, during which other processes wait for the file."""


class _Entry:
    """Holds one thread's work and its result."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.done: Result | None = None


class GroupCommit:
    """Runs functions in transactions of the engine, from any thread."""

    def __init__(
        self,
        engine: Engine,
        spare: SpareSpace = NO_SPARE_SPACE,
        turn: WriteTurn = SOLE_WRITER,
    ) -> None:
        """Begin without work. ``turn``: of the processes that write to the file."""
        self._engine = engine
        self._spare = spare
        self._turn_of_process = turn
        self._turn = threading.Lock()
        self._waiting: deque[_Entry] = deque()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that is durable when this returns.

        Raises: what ``work`` raises; SQLAlchemyError, sqlite3.Error.
        """
        entry = _Entry(work)
        self._waiting.append(entry)
        with self._turn:
            while entry.done is None:
                self._lead()
        result: T = entry.done.result()
        return result

    def write_all(
        self, works: Sequence[Callable[[C], object]], bind: Callable[[Connection], C]
    ) -> list[Result]:
        """Run the works in this thread and in one transaction. Return their results in order.

        Args: bind: makes what the works get, once for each try of the transaction.
        """
        with self._turn:
            return self._commit(works, bind)

    def _lead(self) -> None:
        batch: list[_Entry] = []
        while self._waiting and len(batch) < MAX_BATCH:
            batch.append(self._waiting.popleft())
        for entry, done in zip(
            batch, self._commit([e.work for e in batch], _connection), strict=True
        ):
            entry.done = done

    def _commit(
        self, works: Sequence[Callable[[C], object]], bind: Callable[[Connection], C]
    ) -> list[Result]:
        outcomes: list[Result] = []
        try:
            self._transaction(works, bind, _plainly, outcomes)
        except Exception as error:  # noqa: BLE001  (the thread of the work gets it)
            if len(works) == 1 or isinstance(error, _DATABASE_ERRORS):
                return [Result(error=error)] * len(works)
        else:
            return outcomes
        try:
            self._transaction(works, bind, _guarded, outcomes)
        except Exception as error:  # noqa: BLE001  (each thread gets it)
            failed = [done.error or error for done in outcomes]
            failed += [error] * (len(works) - len(outcomes))
            return [Result(error=each) for each in failed]
        return outcomes

    def _transaction(
        self,
        works: Sequence[Callable[[C], object]],
        bind: Callable[[Connection], C],
        run: Callable[[sqlite3.Connection, Callable[[C], object], C], Result],
        outcomes: list[Result],
    ) -> None:
        self._spare.retrying(lambda: self._attempt(works, bind, run, outcomes))

    def _attempt(
        self,
        works: Sequence[Callable[[C], object]],
        bind: Callable[[Connection], C],
        run: Callable[[sqlite3.Connection, Callable[[C], object], C], Result],
        outcomes: list[Result],
    ) -> None:
        outcomes.clear()
        with self._other_processes_wait(), self._engine.begin() as connection:
            driver = sqlite_of(connection)
            driver.execute("BEGIN IMMEDIATE")
            bound = bind(connection)
            outcomes.extend(run(driver, work, bound) for work in works)

    @contextmanager
    def _other_processes_wait(self) -> Iterator[None]:
        """Hold the turn. Raises: sqlite3.OperationalError: as when the file stays locked."""
        try:
            with self._turn_of_process.taken(BUSY_SECONDS):
                yield
        except TurnMissed as error:
            raise sqlite3.OperationalError("database is locked") from error


def _connection(connection: Connection) -> Connection:
    return connection


def _plainly(driver: sqlite3.Connection, work: Callable[[C], object], bound: C) -> Result:
    """Run the work.

    Raises: what the work raises; sqlite3.OperationalError: SQLite has ended the transaction, and
        later statements would be in a transaction of their own.
    """
    done = Result(work(bound))
    if not driver.in_transaction:
        raise sqlite3.OperationalError("the transaction is over")
    return done


def _guarded(driver: sqlite3.Connection, work: Callable[[C], object], bound: C) -> Result:
    """Run the work in a savepoint.

    Raises: sqlite3.Error: a full disk ended the whole transaction.
    """
    driver.execute("SAVEPOINT work")
    try:
        done = Result(work(bound))
    except Exception as error:
        if not driver.in_transaction:
            raise
        done = Result(error=error)
        driver.execute("ROLLBACK TO work")
    driver.execute("RELEASE work")
    return done
