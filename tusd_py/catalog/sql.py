"""The catalog on SQLAlchemy Core: SQLite now, written for MySQL 8 too (no RETURNING)."""

from tusd_py.catalog.database import Database, sqlite_url
from tusd_py.catalog.job_records import JobRecords
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.upload_records import UploadRecords
from tusd_py.clock import Clock

__all__ = ["SqlCatalog", "sqlite_url"]


class SqlCatalog(UploadRecords, JobRecords):
    """``catalog.port.Catalog``, on a database brought up to date when it is opened."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        database = Database(url)
        migrate(database)
        super().__init__(database, clock)

    def close(self) -> None:
        """See ``Catalog.close``."""
        self._database.close()
