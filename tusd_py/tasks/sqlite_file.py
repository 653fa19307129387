"""Opens and uses the SQLite file of the embedded view of tasks."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from tusd_py.domain.errors import BackendError, StorageFull
from tusd_py.domain.service_failure import failure_text
from tusd_py.private_files import make_private_database
from tusd_py.spare_space import SpareSpace, is_full
from tusd_py.write_ahead_log import use_write_ahead_log
from tusd_py.write_turn import SOLE_WRITER, TurnMissed, WriteTurn

T = TypeVar("T")

_PART: Final = "the SQLite file of tasks"
BUSY_SECONDS: Final = 5.0
"""Time for which a statement waits for a transaction of another process."""


def connect(path: Path, schema: str, *, version: int = 0) -> sqlite3.Connection:
    """Open a database file that only its owner can read; make it if there is none.

    Threads may share the connection, one at a time. Transactions survive kill -9; the last ones may
    be lost in a power failure (``synchronous=NORMAL``).

    Args: schema: statements that change nothing if their objects exist; version: version of the
        schema; tables of another version are dropped.
    Raises: sqlite3.Error, OSError.
    """
    make_private_database(path)
    database = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
    )
    try:
        use_write_ahead_log(database.cursor())
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
    # Another process may have done it in the meantime.
    if database.execute("PRAGMA user_version").fetchone()[0] != version:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        for (name,) in database.execute(tables).fetchall():
            database.execute(f'DROP TABLE "{name}"')
        database.execute(f"PRAGMA user_version = {version}")
    database.execute("COMMIT")


def run(
    database: sqlite3.Connection,
    work: Callable[[sqlite3.Connection], T],
    spare: SpareSpace,
    turn: WriteTurn = SOLE_WRITER,
) -> T:
    """Run one transaction; roll it back if it stays open.

    On a full disk it is repeated after ``spare`` has freed space. One that writes waits for its
    ``turn``.
    Raises: StorageFull, BackendError.
    """

    def attempt() -> T:
        with backend_errors(), turn.taken(BUSY_SECONDS):
            try:
                return work(database)
            finally:
                if _in_transaction(database):
                    database.execute("ROLLBACK")

    return spare.retrying(attempt)


@contextmanager
def backend_errors() -> Iterator[None]:
    """Turn errors of SQLite into errors of this project. Raises: StorageFull, BackendError."""
    try:
        yield
    except TurnMissed as error:
        raise BackendError(reason=failure_text(_PART, "", "database is locked")) from error
    except sqlite3.Error as error:
        kind = StorageFull if is_full(error) else BackendError
        raise kind(reason=failure_text(_PART, "", str(error))) from error


def _in_transaction(database: sqlite3.Connection) -> bool:
    try:
        return database.in_transaction
    except sqlite3.ProgrammingError:  # closed meanwhile
        return False
