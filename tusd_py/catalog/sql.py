"""The catalog on SQLAlchemy Core: SQLite, MySQL 8 and MariaDB (no RETURNING; requirement S14)."""

from collections.abc import Collection

from sqlalchemy import URL

from tusd_py.catalog.again_records import AgainRecords
from tusd_py.catalog.database import Database, sqlite_url
from tusd_py.catalog.database_clock import DatabaseClock
from tusd_py.catalog.figure_records import FigureRecords
from tusd_py.catalog.hook_records import RECORDED, HookRecords
from tusd_py.catalog.instant_records import InstantRecords
from tusd_py.catalog.job_records import JobRecords
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.mysql import mysql_url
from tusd_py.catalog.object_records import ObjectRecords
from tusd_py.catalog.operation_records import OperationRecords
from tusd_py.catalog.possession_records import PossessionRecords
from tusd_py.catalog.upload_records import UploadRecords
from tusd_py.catalog.waiting_records import WaitingRecords
from tusd_py.clock import Clock, SystemClock
from tusd_py.domain.hook import HookEvent
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace

__all__ = ["SqlCatalog", "mysql_url", "sqlite_url"]


class SqlCatalog(
    UploadRecords,
    InstantRecords,
    PossessionRecords,
    JobRecords,
    AgainRecords,
    WaitingRecords,
    ObjectRecords,
    OperationRecords,
    HookRecords,
    FigureRecords,
):
    """``catalog.port.Catalog``, on a database brought up to date when it is opened.

    ``clock``: None takes the database's own where machines share one, and this machine's on SQLite.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        clock: Clock | None = None,
        durable: bool = True,
        hooks: Collection[HookEvent] = (),
        spare: SpareSpace = NO_SPARE_SPACE,
    ) -> None:
        """``durable``, ``spare``: see ``Database``; ``hooks``: events that are kept until they are delivered.

        Raises: BackendError: the database can't be reached or brought up to date.
        """
        database = Database(url, durable=durable, options={RECORDED: frozenset(hooks)}, spare=spare)
        spare.retrying(lambda: migrate(database))
        own = SystemClock() if database.is_sqlite else DatabaseClock(database)
        super().__init__(database, clock or own)

    def close(self) -> None:
        """See ``Catalog.close``."""
        self._database.close()
