"""Bringing a database to the schema of this version, at start (S14)."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import inspect, text

from tusd_py.catalog.database import Database, backend_errors

HEAD: Final = "0001"
"""The newest file in ``migrations/versions``."""


def migrate(database: Database) -> None:
    """Run what is missing, one process at a time. Raises: BackendError."""
    if _revision(database) == HEAD:
        return
    with _alone(database), backend_errors():
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = database.engine
        command.upgrade(config, "head")


def _revision(database: Database) -> str | None:
    with backend_errors(), database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(
            text("SELECT version_num FROM alembic_version")
        ).scalar()
        return found


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Server and worker may start at once on one SQLite file."""
    name = database.engine.url.database
    if not database.is_sqlite or not name:
        yield
        return
    with Path(f"{name}.migrating").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
