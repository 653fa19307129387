"""Tests that migrations make the schema."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from support.clock import FakeClock

from tusd_py.catalog.migrate import HEAD
from tusd_py.catalog.schema import metadata
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url


def test_migrations_and_schema_do_not_drift(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "c.sqlite3")
    SqlCatalog(url, clock=FakeClock()).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    engine.dispose()
