"""Tests that migrations make the schema."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from support.clock import FakeClock
from support.migrated import upgrade

from tusd_py.catalog.database import Database
from tusd_py.catalog.migrate import HEAD, migrate
from tusd_py.catalog.schema import metadata
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.errors import BackendError

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VERSION = text("SELECT version_num FROM alembic_version")


def opened_by_alembic(url: str) -> None:
    database = Database(url)
    upgrade(database, "head")
    database.close()


def opened_by_us(url: str) -> None:
    SqlCatalog(url, clock=FakeClock()).close()


def shape(path: Path) -> dict[str, list[str]]:
    """Return the parts of the statements that made tables and indexes, and the rows of tables.

    The name that each catalog chooses for itself is left out.
    """
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = {name: parts_of(sql) for name, sql in made}
        for name, (head, *_) in found.items():
            if head.startswith("CREATE TABLE"):
                rows = connection.execute(f"SELECT * FROM {name}").fetchall()
                found[name] += [UUID.sub("a UUID", str(row)) for row in rows]
    return found


def parts_of(statement: str) -> list[str]:
    """Return the columns and constraints of a table in one order, or an index as it is."""
    head, _, body = statement.partition("(")
    if head.startswith("CREATE TABLE"):
        outside_brackets = re.split(r",(?![^(]*\))", body.rpartition(")")[0])
        return [head, *sorted(part.strip() for part in outside_brackets)]
    return [statement]


@pytest.mark.parametrize("opened", [opened_by_alembic, opened_by_us])
def test_migrations_and_schema_do_not_drift(tmp_path: Path, opened: Callable[[str], None]) -> None:
    url = sqlite_url(tmp_path / "c.sqlite3")
    opened(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(VERSION).scalar() == HEAD
    engine.dispose()


def test_a_new_file_has_what_migrations_make(tmp_path: Path) -> None:
    opened_by_us(sqlite_url(tmp_path / "new.sqlite3"))
    opened_by_alembic(sqlite_url(tmp_path / "migrated.sqlite3"))
    assert shape(tmp_path / "new.sqlite3") == shape(tmp_path / "migrated.sqlite3")


def test_a_migration_of_sqlite_that_breaks_off_leaves_nothing_and_begins_again(
    tmp_path: Path,
) -> None:
    database = Database(sqlite_url(tmp_path / "c.sqlite3"))
    upgrade(database, "0013")
    row = text(
        "INSERT INTO uploads (id, user_id, length, kind, state, metadata_header, parts, "
        "source_removed, instant, created_at) "
        "VALUES (:id, 1, 5, 'normal', 'finished', CAST('filename YS5tcDQ=,relativePath aW4vYS5tcDQ=' AS BLOB), '', 0, 0, 1)"
    )
    refusal = text(
        "CREATE TRIGGER refusal BEFORE UPDATE ON uploads WHEN old.id = 'second' "
        "BEGIN SELECT RAISE(ABORT, 'broken off'); END"
    )
    database.write(lambda c: c.execute(row, [{"id": "first"}, {"id": "second"}]))
    database.write(lambda c: c.execute(refusal))
    with pytest.raises(BackendError):
        migrate(database)
    columns = text("SELECT name FROM pragma_table_info('uploads')")
    assert database.read(lambda c: c.execute(VERSION).scalar()) == "0013"
    assert "filename" not in database.read(lambda c: c.execute(columns).scalars().all())

    database.write(lambda c: c.execute(text("DROP TRIGGER refusal")))
    migrate(database)
    names = text("SELECT filename, relative_path FROM uploads")
    assert database.read(lambda c: c.execute(VERSION).scalar()) == HEAD
    assert database.read(lambda c: c.execute(names).all()) == [("a.mp4", "in/a.mp4")] * 2
    database.close()
