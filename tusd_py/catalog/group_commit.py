"""Writers of one SQLite file that queue up share a transaction, and its sync.

SQLite has one writer at a time, so threads wait for each other anyhow. Whoever's turn it is runs the
work of all that wait, each in a savepoint, and commits once. Nobody is told anything before that
commit; work that fails takes back its own savepoint and nobody else's.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

T = TypeVar("T")
Work = Callable[[Connection], Any]

MAX_BATCH: Final = 64
"""Other processes wait for the file meanwhile."""


class _Entry:
    """One writer's work, and what came of it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.settled = False
        self.result: Any = None
        self.error: BaseException | None = None


class GroupCommit:
    """Runs functions in transactions of the engine's, from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._waiting: deque[_Entry] = deque()

    def write(self, work: Callable[[Connection], T]) -> T:
        """All of it, durable, or nothing. Raises: what ``work`` raises; SQLAlchemyError."""
        entry = _Entry(work)
        self._waiting.append(entry)
        with self._turn:
            while not entry.settled:
                self._lead()
        if entry.error is not None:
            raise entry.error
        result: T = entry.result
        return result

    def _lead(self) -> None:
        batch: list[_Entry] = []
        while self._waiting and len(batch) < MAX_BATCH:
            batch.append(self._waiting.popleft())
        try:
            self._commit(batch)
        except Exception as error:  # noqa: BLE001  (it is raised to each of them)
            for entry in batch:
                entry.error = entry.error or error
        finally:
            for entry in batch:
                entry.settled = True

    def _commit(self, batch: list[_Entry]) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if len(batch) == 1:
                batch[0].result = batch[0].work(connection)
                return
            for entry in batch:
                _run(connection, entry)


def _run(connection: Connection, entry: _Entry) -> None:
    """Raises: SQLAlchemyError: the whole transaction is gone (a full disk ends it)."""
    connection.exec_driver_sql("SAVEPOINT work")
    try:
        entry.result = entry.work(connection)
    except Exception as error:  # noqa: BLE001  (it is raised to whom it belongs)
        entry.error = error
        connection.exec_driver_sql("ROLLBACK TO work")
    connection.exec_driver_sql("RELEASE work")
