"""Migrates a database to the schema of this version, at start (requirement S14)."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    text,
)

from tusd_py.catalog.database import Database, backend_errors
from tusd_py.catalog.schema import catalog_identity, metadata
from tusd_py.domain.errors import BackendError
from tusd_py.private_files import make_private_file

HEAD: Final = "0018"
"""The newest file in ``migrations/versions``."""

_VERSION: Final = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""The table of alembic, which has one row."""
LOCK_SECONDS: Final = 60
_LOCK: Final = "tusd_py_migration"


def migrate(database: Database) -> None:
    """Run the missing migrations, one process at a time. Raises: BackendError.

    A new SQLite file gets the tables of ``schema.py`` at once, which are the same and take a fifth
    of the time.
    """
    with backend_errors(database.engine):
        with database.engine.connect() as connection:
            if _revision(connection) == HEAD:
                return
        with _alone(database):
            if database.is_sqlite and database.write(_made_at_once):
                return
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["engine"] = database.engine
            command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _made_at_once(connection: Connection) -> bool:
    """Make all tables with their first rows, and return True; do nothing if there is a table."""
    if inspect(connection).get_table_names():
        return False
    metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=HEAD))
    connection.execute(insert(catalog_identity).values(identity=str(uuid4())))
    return True


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Wait until no other process migrates this database: many may start at once on a new one."""
    name = database.engine.url.database
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execute(text("SET wait_timeout = 3600"))  # it is silent meanwhile
            lock = {"name": _LOCK, "seconds": LOCK_SECONDS}
            if not connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), lock).scalar():
                raise BackendError("Another process has been migrating the database for a minute.")
            # The lock belongs to the connection and ends with it.
            yield
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)
            connection.invalidate()
    elif name:
        lock_file = Path(f"{name}.migrating")
        make_private_file(lock_file)
        with lock_file.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        yield
