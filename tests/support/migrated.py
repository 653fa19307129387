"""An empty catalog of this version: a test whose subject is not migration begins with it."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

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


def put_catalog(data_dir: Path) -> None:
    """Put an empty catalog into a data directory, unless it has one."""
    path = data_dir / "catalog.sqlite3"
    if not path.exists():
        make_private_directory(data_dir)
        make_private_database(path)
        path.write_bytes(_empty_catalog())
