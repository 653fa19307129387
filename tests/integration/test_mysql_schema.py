"""Tables of the catalog on a MariaDB whose databases have another character set and engine."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, Connection, text
from support.clock import FakeClock
from support.migrated import upgrade
from support.services import MariaDb

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


@pytest.mark.parametrize("index", [False, True])
def test_a_migration_that_broke_off_behind_a_change_of_a_table_is_finished(
    database: Database, *, index: bool
) -> None:
    upgrade(database, "0013")
    column = text("ALTER TABLE uploads ADD filename VARCHAR(255) NOT NULL DEFAULT ''")
    listed = text("CREATE INDEX ix_uploads_listed ON uploads (user_id, created_at, id)")
    row = text(
        "INSERT INTO uploads (id, user_id, length, kind, state, metadata_header, parts, "
        "source_removed, instant, created_at) "
        "VALUES ('one', 1, 5, 'normal', 'finished', 'filename YS5tcDQ=', '', 0, 0, 1)"
    )
    database.write(lambda c: c.execute(row))
    database.write(lambda c: c.execute(column))
    if index:
        database.write(lambda c: c.execute(listed))
    migrate(database)
    names = text("SELECT filename FROM uploads")
    assert database.read(lambda c: c.execute(names).scalars().all()) == ["a.mp4"]
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
