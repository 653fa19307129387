"""Opens connections and runs transactions of SQLite and MySQL."""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from typing_extensions import override

from tusd_py.backoff import Backoff
from tusd_py.catalog.group_commit import BUSY_SECONDS, GroupCommit
from tusd_py.catalog.mysql import CONNECT_ARGUMENTS, IDLE_SECONDS
from tusd_py.domain.errors import BackendError, StorageFull
from tusd_py.domain.service_failure import failure_text
from tusd_py.private_files import make_private_database
from tusd_py.spare_space import NO_SPARE_SPACE, SpareSpace, is_full
from tusd_py.threads import Result, capture
from tusd_py.write_ahead_log import use_write_ahead_log
from tusd_py.write_turn import SOLE_WRITER, WriteTurn

log = logging.getLogger(__name__)
T = TypeVar("T")
C = TypeVar("C")

TRIES: Final = 5
"""How often a MySQL transaction is begun if deadlocks, lock waits or lost connections end it."""
_RETRY_BACKOFF: Final = Backoff((0.1,), spread=(0.2, 1.0))
_ERRORS: Final = (SQLAlchemyError, sqlite3.Error)
_TRANSIENT: Final = (1205, 1213)
"""Lock wait and deadlock: the transaction was rolled back and may be repeated."""


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file."""
    return f"sqlite:///{path}"


class Transactions(Protocol):
    """Runs functions in transactions: each in its own, or all in one that is open."""

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on one consistent state. Raises: BackendError."""
        ...

    def write(
        self,
        work: Callable[[Connection], T],
        *,
        settled: Callable[[Connection], T | None] | None = None,
    ) -> T:
        """Run ``work`` in a transaction: all of it is durable when this returns, or nothing.

        Args: settled: checks, in a transaction of its own, whether the work was done, if the
            connection was lost during COMMIT (fault 26). Its result is the result of the work; None
            means that the work was not done. Without it the work is repeated, which must then
            change nothing the second time: it is fenced, or it sets what is already set.
        Raises: BackendError, and what ``work`` raises.
        """
        ...


class OpenTransaction(Transactions):
    """Runs functions in a transaction that its owner commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @override
    def read(self, work: Callable[[Connection], T]) -> T:
        try:
            return work(self._connection)
        except _ERRORS as error:
            raise _backend_error(self._connection.engine, error) from error

    @override
    def write(
        self,
        work: Callable[[Connection], T],
        *,
        settled: Callable[[Connection], T | None] | None = None,
    ) -> T:
        """Run ``work``; the owner of the transaction commits it."""
        return self.read(work)


class Database(Transactions):
    """Connects to the database, and runs functions in transactions from any thread."""

    def __init__(
        self,
        url: str | URL,
        *,
        durable: bool = True,
        options: Mapping[str, Any] | None = None,
        spare: SpareSpace = NO_SPARE_SPACE,
        turn: WriteTurn = SOLE_WRITER,
    ) -> None:
        """Prepare an engine; connections are opened when they are needed.

        Args: durable: False: a power cut may lose the last transactions of a SQLite file, which
                stays consistent. kill -9 loses none in either case.
            options: execution options of every connection.
            spare: space that transactions of a SQLite file use when the disk is full.
            turn: of the processes that write to the SQLite file.
        """
        self.is_sqlite = str(url).startswith("sqlite")
        if self.is_sqlite:
            _make_private(url)
            # The connection that was used last: after its writes, only its cache of pages is valid.
            self.engine: Engine = create_engine(
                url,
                pool_size=8,
                max_overflow=8,
                pool_use_lifo=True,
                execution_options=dict(options or {}),
            )
            _prepare_sqlite(self.engine, synchronous="FULL" if durable else "NORMAL")
        else:
            self.engine = create_engine(
                url,
                pool_pre_ping=True,
                pool_size=8,
                max_overflow=8,
                pool_recycle=IDLE_SECONDS - 2,
                isolation_level="READ COMMITTED",
                connect_args=CONNECT_ARGUMENTS,
                execution_options=dict(options or {}),
            )
        self._group = GroupCommit(self.engine, spare, turn)

    @override
    def read(self, work: Callable[[Connection], T]) -> T:
        with backend_errors(self.engine), self.engine.connect() as connection:
            return work(connection)

    @override
    def write(
        self,
        work: Callable[[Connection], T],
        *,
        settled: Callable[[Connection], T | None] | None = None,
    ) -> T:
        with backend_errors(self.engine):
            if self.is_sqlite:
                return self._group.write(work)
            return self._write_mysql(work, settled)

    def read_all(
        self, works: Sequence[Callable[[C], object]], bind: Callable[[Transactions], C]
    ) -> Sequence[Result]:
        """Run works that only read, on one connection of SQLite. Return their results in order.

        Args: bind: makes what the works get.
        """
        if not self.is_sqlite:
            return self._each(works, bind)
        results: list[Result] = []
        try:
            with self.engine.connect() as connection:
                bound = bind(OpenTransaction(connection))
                results.extend(capture(work, bound) for work in works)
        except SQLAlchemyError as error:
            results += [Result(error=error)] * (len(works) - len(results))
        return [_translated(result, self.engine) for result in results]

    def commit_all(
        self, works: Sequence[Callable[[C], object]], bind: Callable[[Transactions], C]
    ) -> Sequence[Result]:
        """Run works as one transaction of SQLite, or each in its own of MySQL.

        Each work is all or nothing by itself, and may run twice.

        Args: bind: makes what the works get, once for each transaction.
        Returns: their results in order, once they are durable.
        """
        if not self.is_sqlite:
            return self._each(works, bind)
        results = self._group.write_all(works, lambda c: bind(OpenTransaction(c)))
        return [_translated(result, self.engine) for result in results]

    def _each(
        self, works: Sequence[Callable[[C], object]], bind: Callable[[Transactions], C]
    ) -> list[Result]:
        bound = bind(self)
        return [capture(work, bound) for work in works]

    def _write_mysql(
        self, work: Callable[[Connection], T], settled: Callable[[Connection], T | None] | None
    ) -> T:
        left = TRIES
        unknown = False
        while True:
            left -= 1
            committing = False
            try:
                with self.engine.connect() as connection:
                    found = settled(connection) if unknown and settled is not None else None
                    result = work(connection) if found is None else found
                    committing = True
                    connection.commit()
                    return result
            except DBAPIError as error:
                if not left or not (_is_transient(error) or error.connection_invalidated):
                    raise
                unknown = unknown or (committing and error.connection_invalidated)
                log.info("catalog.transaction.repeated", extra={"unknown": unknown})
                # The other transaction has no end that could be awaited. The connection is given
                # back, the port's calls block by contract, and TRIES bounds the pauses.
                time.sleep(_RETRY_BACKOFF.pause(TRIES - left))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _make_private(url: str | URL) -> None:
    name = make_url(url).database
    if name and name != ":memory:":
        try:
            make_private_database(Path(name))
        except OSError as error:
            raise BackendError from error


@contextmanager
def backend_errors(engine: Engine) -> Iterator[None]:
    """Raise the project's errors for those of the database: never "not found" (hole 12)."""
    try:
        yield
    except _ERRORS as error:
        raise _backend_error(engine, error) from error


def _backend_error(engine: Engine, error: Exception) -> BackendError:
    kind = StorageFull if is_full(error) else BackendError
    return kind(reason=_reason(engine, error))


def _reason(engine: Engine, error: Exception) -> str:
    url, original = engine.url, getattr(error, "orig", None) or error
    if url.get_backend_name() == "sqlite":
        part, address = "the catalog, the SQLite file", url.database or ""
    else:
        part, address = "the catalog, MySQL", f"{url.host}:{url.port or 3306}/{url.database}"
    said = original.args[-1] if original.args else original
    return failure_text(part, address, str(said))


def _translated(done: Result, engine: Engine) -> Result:
    if not isinstance(done.error, _ERRORS):
        return done

    def raised() -> None:
        with backend_errors(engine):
            done.result()

    return capture(raised)


def _is_transient(error: DBAPIError) -> bool:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return arguments[:1] in [(code,) for code in _TRANSIENT]


def _prepare_sqlite(engine: Engine, *, synchronous: Literal["FULL", "NORMAL"]) -> None:
    def connected(connection: Any, _record: object) -> None:  # noqa: ANN401  (a DB-API connection)
        # The driver must not begin transactions by itself, since ``GroupCommit`` begins them.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        use_write_ahead_log(cursor)
        # NORMAL lost all of 50 acknowledged commits in a power cut, FULL none.
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.close()

    event.listen(engine, "connect", connected)
