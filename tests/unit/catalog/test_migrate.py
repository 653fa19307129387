"""Tests that migrations make the schema."""

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

VERSION = text("SELECT version_num FROM alembic_version")


def test_migrations_and_schema_do_not_drift(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "c.sqlite3")
    SqlCatalog(url, clock=FakeClock()).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(VERSION).scalar() == HEAD
    engine.dispose()


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
