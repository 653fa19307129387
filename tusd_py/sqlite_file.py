"""SQLite files of the embedded adapters (queue, live view): opened, used and failing in one way."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from tusd_py.domain.errors import BackendError, StorageFull
from tusd_py.private_files import make_private_database
from tusd_py.spare_space import SpareSpace, is_full

T = TypeVar("T")

BUSY_SECONDS: Final = 5.0
"""How long a statement waits for another process's transaction."""


def connect(path: Path, schema: str, *, version: int = 0) -> sqlite3.Connection:
    """Open a file that only its owner can read, and make it if there is none.

    Args: schema: statements that change nothing where all is there; version: of the schema; tables of
        another version are dropped.
    Threads may share the connection, one at a time. Transactions survive kill -9, the last ones not a
    power cut (``synchronous=NORMAL``). Raises: sqlite3.Error, OSError.
    """
    make_private_database(path)
    database = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        _drop_other_version(database, version)
        database.executescript(schema)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _drop_other_version(database: sqlite3.Connection, version: int) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] == version:
        return
    database.execute("BEGIN IMMEDIATE")
    # Another process may have been faster.
    if database.execute("PRAGMA user_version").fetchone()[0] != version:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        for (name,) in database.execute(tables).fetchall():
            database.execute(f'DROP TABLE "{name}"')
        database.execute(f"PRAGMA user_version = {version}")
    database.execute("COMMIT")


def run(
    database: sqlite3.Connection, work: Callable[[sqlite3.Connection], T], spare: SpareSpace
) -> T:
    """Run one transaction; what it leaves open is rolled back. On a full disk it is run again with the
    help of ``spare``. Raises: StorageFull, BackendError."""

    def attempt() -> T:
        with backend_errors():
            try:
                return work(database)
            finally:
                if _in_transaction(database):
                    database.execute("ROLLBACK")

    return spare.retrying(attempt)


@contextmanager
def backend_errors() -> Iterator[None]:
    """Turn errors of SQLite into the project's. Raises: StorageFull, BackendError."""
    try:
        yield
    except sqlite3.Error as error:
        raise (StorageFull if is_full(error) else BackendError) from error


def _in_transaction(database: sqlite3.Connection) -> bool:
    try:
        return database.in_transaction
    except sqlite3.ProgrammingError:  # closed meanwhile
        return False
