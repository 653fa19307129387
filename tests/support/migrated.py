"""Catalogs of an earlier version, and an empty one of this version, with which most tests begin."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config

from tusd_py import catalog
from tusd_py.catalog.database import Database, sqlite_url
from tusd_py.catalog.migrate import migrate
from tusd_py.private_files import make_private_database, make_private_directory


@cache
def _empty_catalog() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.sqlite3"
        database = Database(sqlite_url(path))
        migrate(database)
        database.close()
        return path.read_bytes()


def upgrade(database: Database, revision: str) -> None:
    """Run the missing migrations up to this one."""
    config = Config()
    folder = Path(catalog.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    config.attributes["engine"] = database.engine
    command.upgrade(config, revision)


def put_catalog(data_dir: Path) -> None:
    """Put an empty catalog into a data directory, unless it has one."""
    path = data_dir / "catalog.sqlite3"
    if not path.exists():
        make_private_directory(data_dir)
        make_private_database(path)
        path.write_bytes(_empty_catalog())
