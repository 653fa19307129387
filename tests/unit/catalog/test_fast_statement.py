from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

from tusd_py.catalog.database import Database, sqlite_url
from tusd_py.catalog.fast_statement import FastStatement
from tusd_py.catalog.rows import date_time

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(20), nullable=False, server_default="nameless"),
    Column("at", DateTime),
    Column("open", Boolean),
)
MOMENT = date_time(1_795_000_000.25)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path / "c.sqlite3"))
    TABLE.metadata.create_all(opened.engine)
    yield opened
    opened.close()


def test_values_are_spelt_as_sqlalchemy_spells_them(database: Database) -> None:
    adding = FastStatement(insert(TABLE), ["id", "at", "open"])
    found = FastStatement(select(TABLE).where(TABLE.c.id == bindparam("wanted")))
    row = {"id": 1, "at": MOMENT, "open": True}
    assert database.write(lambda c: adding.run(c, row)) == 1
    with database.engine.begin() as connection:
        connection.execute(insert(TABLE), {**row, "id": 2})
        raw = connection.exec_driver_sql("SELECT name, at, open FROM things ORDER BY id").all()
    assert raw[0] == raw[1]
    for wanted in (1, 2):
        seen = database.read(lambda c, wanted=wanted: found.first(c, {"wanted": wanted}))  # type: ignore[misc]
        assert seen == {**row, "id": wanted, "name": "nameless"}
    assert database.read(lambda c: found.first(c, {"wanted": 3})) is None


def test_values_of_the_statement_itself_are_kept(database: Database) -> None:
    adding = FastStatement(insert(TABLE), ["id", "open"])
    closing = FastStatement(
        update(TABLE)
        .where(TABLE.c.id == bindparam("wanted"), TABLE.c.open.is_not(False))
        .values(open=False, name="closed")
    )
    database.write(lambda c: adding.run(c, {"id": 1, "open": None}))
    assert database.write(lambda c: closing.run(c, {"wanted": 1})) == 1
    assert database.write(lambda c: closing.run(c, {"wanted": 1})) == 0
    found = FastStatement(
        select(TABLE.c.name, TABLE.c.open).where(TABLE.c.id == bindparam("wanted"))
    )
    assert database.read(lambda c: found.first(c, {"wanted": 1})) == {
        "name": "closed",
        "open": False,
    }


def test_a_value_that_is_missing_is_an_error(database: Database) -> None:
    adding = FastStatement(insert(TABLE), ["id", "open"])
    with pytest.raises(KeyError):
        database.write(lambda c: adding.run(c, {"id": 1}))


def test_a_value_that_stands_in_two_places_is_given_to_both(database: Database) -> None:
    adding = FastStatement(insert(TABLE), ["id", "name"])
    database.write(lambda c: adding.run(c, {"id": 5, "name": "5"}))
    same = FastStatement(
        select(TABLE.c.name).where(
            (TABLE.c.id == bindparam("wanted")) | (TABLE.c.id == bindparam("wanted") + 1)
        )
    )
    for wanted in (4, 5):
        found = database.read(lambda c, wanted=wanted: same.first(c, {"wanted": wanted}))  # type: ignore[misc]
        assert found == {"name": "5"}
