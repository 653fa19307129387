"""The figures are read every few seconds: none of their statements reads a whole table."""

from pathlib import Path
from typing import Any

from sqlalchemy import event
from support.clock import FakeClock

from tusd_py.catalog.database import Database
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.operations import SqlOperations
from tusd_py.catalog.sql_catalog import sqlite_url


def test_every_statement_of_the_figures_walks_an_index(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "c.sqlite3"))
    migrate(database)
    statements: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        statements.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    SqlOperations(database, FakeClock()).metrics()
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(statements) == 8
    for statement, values in statements:
        plan = database.read(
            lambda c, s=statement, v=values: [  # type: ignore[misc]
                row[3] for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", v)
            ]
        )
        # The latest ends were found by an index; joining them reads each once.
        scans = [step for step in plan if step.startswith("SCAN") and step != "SCAN latest"]
        assert scans == [], (statement, plan)
    database.close()
