"""Implements the catalog on SQLAlchemy Core: SQLite, MySQL 8 and MariaDB (requirement S14).

No statement uses RETURNING, which MySQL 8 does not have.
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property

from sqlalchemy import URL, select
from typing_extensions import override

from tusd_py.catalog.database import Database, Transactions, sqlite_url
from tusd_py.catalog.database_clock import DatabaseClock
from tusd_py.catalog.hooks import RECORDED, SqlHooks
from tusd_py.catalog.jobs import SqlJobs
from tusd_py.catalog.migrate import migrate
from tusd_py.catalog.mysql import mysql_url
from tusd_py.catalog.objects import SqlObjects
from tusd_py.catalog.operations import SqlOperations
from tusd_py.catalog.outbox import MESSAGES, drop_unsent_messages
from tusd_py.catalog.ownership_proofs import SqlOwnership
from tusd_py.catalog.port import UNREACHABLE, Catalog, Repositories
from tusd_py.catalog.ports.hooks import HookRepository
from tusd_py.catalog.ports.jobs import JobRepository
from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.catalog.ports.operations import OperationRepository
from tusd_py.catalog.ports.ownership import OwnershipRepository
from tusd_py.catalog.ports.shares import ShareRepository
from tusd_py.catalog.ports.uploads import UploadRepository
from tusd_py.catalog.schema import uploads
from tusd_py.catalog.shares import SqlShares
from tusd_py.catalog.uploads import SqlUploads
from tusd_py.clock import Clock, SystemClock
from tusd_py.domain.errors import BackendError
from tusd_py.domain.hook import HookEvent
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace
from tusd_py.threads import Result
from tusd_py.write_turn import SOLE_WRITER, WriteTurn

__all__ = ["SqlCatalog", "mysql_url", "sqlite_url"]


class SqlRepositories(Repositories):
    """Makes the repositories when they are used first."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    @cached_property
    @override
    def uploads(self) -> UploadRepository:
        return SqlUploads(self._transactions, self._clock)

    @cached_property
    @override
    def jobs(self) -> JobRepository:
        return SqlJobs(self._transactions, self._clock)

    @cached_property
    @override
    def objects(self) -> ObjectRepository:
        return SqlObjects(self._transactions, self._clock)

    @cached_property
    @override
    def ownership(self) -> OwnershipRepository:
        return SqlOwnership(self._transactions, self._clock)

    @cached_property
    @override
    def hooks(self) -> HookRepository:
        return SqlHooks(self._transactions, self._clock)

    @cached_property
    @override
    def shares(self) -> ShareRepository:
        return SqlShares(self._transactions, self._clock)

    @cached_property
    @override
    def operations(self) -> OperationRepository:
        return SqlOperations(self._transactions, self._clock)


class SqlCatalog(SqlRepositories, Catalog):
    """Holds the seven repositories over one database, and migrates it when it is opened."""

    def __init__(
        self,
        url: str | URL,
        *,
        clock: Clock | None = None,
        durable: bool = True,
        hooks: Collection[HookEvent] = (),
        messages: bool = False,
        spare: SpareSpace = NO_SPARE_SPACE,
        turn: WriteTurn = SOLE_WRITER,
    ) -> None:
        """Open the database and migrate it.

        Args: clock: None: the database's own clock if several machines share the database, this
                machine's for SQLite.
            durable, spare, turn: see ``Database``.
            hooks: events that are kept until they are delivered.
            messages: whether a broker carries messages to workers. If not, those that a process
                with a broker has left in the outbox are dropped.
        Raises: BackendError: the database cannot be reached or migrated.
        """
        options = {RECORDED: frozenset(hooks), MESSAGES: messages}
        database = Database(url, durable=durable, options=options, spare=spare, turn=turn)
        spare.retrying(lambda: migrate(database))
        if not messages:
            drop_unsent_messages(database)
        own = SystemClock() if database.is_sqlite else DatabaseClock(database)
        super().__init__(database, clock or own)
        self._database = database

    @property
    @override
    def batches_commits(self) -> bool:
        return self._database.is_sqlite

    @override
    def commit_all(self, works: Sequence[Callable[[Repositories], object]]) -> Sequence[Result]:
        return self._database.commit_all(works, self._within)

    @override
    def read_all(self, works: Sequence[Callable[[Repositories], object]]) -> Sequence[Result]:
        return self._database.read_all(works, self._within)

    def _within(self, transactions: Transactions) -> Repositories:
        return SqlRepositories(transactions, self._clock)

    @override
    def check(self) -> None:
        statement = select(uploads.c.id).limit(1)
        try:
            self._database.read(lambda c: c.execute(statement).first())
        except BackendError as error:
            raise BackendError(UNREACHABLE, reason=error.reason) from error

    @override
    def close(self) -> None:
        self._database.close()
