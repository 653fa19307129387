"""Connections: one engine, one transaction per call, SQLite made safe and MySQL left as it is."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from tusd_py.domain.errors import BackendError

T = TypeVar("T")

BUSY_SECONDS: Final = 10.0
"""How long a writer of SQLite waits for another process's transaction. Once: a process that was
stopped (SIGSTOP) inside its transaction holds all others up, and they must still be able to end."""
TRIES: Final = 5
"""How often MySQL's deadlocks and lock waits are met with another try."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


class Database:
    """Runs functions in transactions, from any thread."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = threading.Lock()
        if self.is_sqlite:
            _prepare_sqlite(self.engine)

    def read(self, work: Callable[[Connection], T]) -> T:
        """One consistent look. Raises: BackendError."""
        with backend_errors(), self.engine.connect() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """One transaction: all of it, durable, or nothing. Repeated when the database says so.

        Writers of one process queue up here: SQLite has one writer at a time anyhow.
        Raises: BackendError, and what ``work`` raises.
        """
        with backend_errors(), self._writer:
            for left in reversed(range(1 if self.is_sqlite else TRIES)):
                try:
                    with self.engine.begin() as connection:
                        if self.is_sqlite:
                            connection.exec_driver_sql("BEGIN IMMEDIATE")
                        return work(connection)
                except OperationalError as error:
                    if not left or not _passing(error):
                        raise
                    time.sleep(random.uniform(0.02, 0.1))  # noqa: S311  (jitter)
        raise BackendError

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


@contextmanager
def backend_errors() -> Iterator[None]:
    """A database's trouble, in the project's words: never "not found" (the seed's hole 12)."""
    try:
        yield
    except SQLAlchemyError as error:
        raise BackendError from error


def _passing(error: DBAPIError) -> bool:
    """Deadlock or lock wait: the transaction was rolled back and may be repeated."""
    text = str(error.orig)
    return "1213" in text or "1205" in text


def _prepare_sqlite(engine: Engine) -> None:
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401  (a DB-API connection)
        # The driver must not begin transactions behind our back: see BEGIN IMMEDIATE above.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # NORMAL lost all of 50 acknowledged commits in a power cut, FULL none.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    event.listen(engine, "connect", connected)
