"""Switches a SQLite file to its write-ahead log, which several processes may do at once."""

import sqlite3
import time
from typing import Any, Final

PATIENCE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.01


def use_write_ahead_log(cursor: Any) -> None:  # noqa: ANN401  (a DB-API cursor)
    """Execute ``PRAGMA journal_mode=WAL`` until no other connection prevents it.

    SQLite does not wait for its busy time-out here: of two connections that switch a new file at
    once, one fails immediately.

    Raises: sqlite3.OperationalError: the file is locked for ``PATIENCE_SECONDS``, or another error.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
