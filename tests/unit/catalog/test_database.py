"""Tests transactions of SQLite."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from tusd_py.catalog.database import Database
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.sql_catalog import sqlite_url


def test_commits_survive_power_loss_by_settings(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "c.sqlite3"))
    migrate(database)
    pragmas = database.read(
        lambda c: [
            c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    )
    database.close()
    assert pragmas == ["wal", 2]


def test_a_transaction_is_repeated_while_another_process_holds_the_database(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    database = Database(sqlite_url(path))
    migrate(database)
    holder = subprocess.Popen(
        [sys.executable, "-c", f"""
import sqlite3, sys, time
c = sqlite3.connect({str(path)!r}, isolation_level=None)
c.execute("BEGIN IMMEDIATE"); print("held", flush=True)
sys.stdin.read(1); c.execute("COMMIT")
"""],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    holder.stdin.close()
    assert database.write(lambda c: c.execute(text("DELETE FROM outbox")).rowcount) == 0
    holder.stdout.close()
    assert holder.wait(30) == 0
    database.close()
