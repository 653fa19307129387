"""A catalog of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL
from support.clock import FakeClock
from support.services import MariaDb

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog, mysql_url, sqlite_url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "catalog.sqlite3")


@pytest.fixture
def mysql(mariadb: MariaDb) -> URL:
    return mysql_url(mariadb.database())


@pytest.fixture(params=["sqlite", "mysql"])
def catalog(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Catalog]:
    opened = SqlCatalog(request.getfixturevalue(request.param), clock=clock, messages=True)
    yield opened
    opened.close()
