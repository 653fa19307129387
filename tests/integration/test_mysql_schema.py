"""Tables of the catalog on a MariaDB whose databases have another character set and engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, text
from support.clock import FakeClock
from support.services import MariaDb

from tusd_py import catalog
from tusd_py.catalog.database import Database
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.schema import metadata
from tusd_py.catalog.sql_catalog import SqlCatalog, mysql_url

KINDS = text(
    "SELECT table_name, engine, table_collation FROM information_schema.tables "
    "WHERE table_schema = database() AND table_name <> 'alembic_version'"
)
COLUMNS = text(
    "SELECT table_name, column_name, data_type, character_set_name "
    "FROM information_schema.columns "
    "WHERE table_schema = database() AND table_name <> 'alembic_version'"
)


@pytest.fixture
def url(mariadb: MariaDb) -> URL:
    made = mysql_url(mariadb.database())
    mariadb.execute(f"ALTER DATABASE {made.database} CHARACTER SET latin1")
    return made


@pytest.fixture
def database(url: URL) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def upgrade(database: Database, revision: str) -> None:
    config = Config()
    folder = Path(catalog.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    config.attributes["engine"] = database.engine
    command.upgrade(config, revision)


def assert_every_table_is_as_it_should_be(database: Database) -> None:
    kinds = database.read(lambda c: c.execute(KINDS).all())
    assert {name for name, _, _ in kinds} == set(metadata.tables)
    assert {
        name: (engine, collation)
        for name, engine, collation in kinds
        if engine != "InnoDB" or not collation.startswith("utf8mb4_")
    } == {}
    columns = database.read(lambda c: c.execute(COLUMNS).all())
    assert [one for one in columns if one[3] not in (None, "utf8mb4")] == []
    long = {(table, column) for table, column, kind, _ in columns if kind == "mediumtext"}
    assert long == {
        ("jobs", "checkpoint"),
        ("repository_pool", "facts"),
        ("renditions", "facts"),
        ("uploads", "concat_header"),
        ("uploads", "parts"),
    }


def test_a_new_database_has_the_tables_whatever_its_own_character_set_is(
    database: Database,
) -> None:
    migrate(database)
    assert_every_table_is_as_it_should_be(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_table_of_an_earlier_version_is_converted_with_its_rows(
    database: Database, url: URL
) -> None:
    upgrade(database, "0012")
    row = text(
        "INSERT INTO renditions "
        "(identity, name, object_key, path, hash, size, content_type, ext, facts) "
        "VALUES ('i', 'poster', 'k', '/é', 'h', 1, 'image/jpeg', '.jpg', '{\"title\": \"é\"}')"
    )

    def older(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE renditions CONVERT TO CHARACTER SET latin1"))
        connection.execute(text("ALTER TABLE renditions ENGINE = MyISAM"))
        connection.execute(row)

    database.write(older)
    migrate(database)
    assert_every_table_is_as_it_should_be(database)
    opened = SqlCatalog(url, clock=FakeClock())
    (found,) = opened.objects.renditions("i")
    opened.close()
    assert (found.path, found.facts) == ("/é", {"title": "é"})
