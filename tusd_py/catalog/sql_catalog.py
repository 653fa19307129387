"""The catalog on SQLAlchemy Core: SQLite, MySQL 8 and MariaDB (no RETURNING; requirement S14)."""

from collections.abc import Collection

from sqlalchemy import URL

from tusd_py.catalog.database import Database, sqlite_url
from tusd_py.catalog.database_clock import DatabaseClock
from tusd_py.catalog.hooks import RECORDED, HookRecords
from tusd_py.catalog.instant import InstantRecords
from tusd_py.catalog.jobs import JobRecords
from tusd_py.catalog.metrics import MetricRecords
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.mysql import mysql_url
from tusd_py.catalog.objects import ObjectRecords
from tusd_py.catalog.operations import OperationRecords
from tusd_py.catalog.ownership_proofs import OwnershipRecords
from tusd_py.catalog.queue_positions import QueuePositionRecords
from tusd_py.catalog.reprocessing import ReprocessRecords
from tusd_py.catalog.uploads import UploadRecords
from tusd_py.clock import Clock, SystemClock
from tusd_py.domain.hook import HookEvent
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace

__all__ = ["SqlCatalog", "mysql_url", "sqlite_url"]


class SqlCatalog(
    UploadRecords,
    InstantRecords,
    OwnershipRecords,
    JobRecords,
    ReprocessRecords,
    QueuePositionRecords,
    ObjectRecords,
    OperationRecords,
    HookRecords,
    MetricRecords,
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
