"""Compiles statements that every upload needs once, and runs them by SQLite's driver itself.

SQLAlchemy compiles the statements and their values. To run one through SQLAlchemy costs ten times
what SQLite needs for it, and an upload runs eight. Other databases get them through SQLAlchemy.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Boolean, Connection, DateTime, Delete, Insert, Select, Update
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.types import TypeEngine

Row = Mapping[Any, Any]
"""Column names to values."""
Process = Callable[[Any], Any]
_SQLITE: Final = sqlite_dialect()


class FastStatement:
    """Runs one statement."""

    def __init__(
        self,
        statement: Insert | Update | Delete | Select[Any],
        columns: Sequence[str] | None = None,
    ) -> None:
        """Compile the statement.

        ``columns``: those that an INSERT has values for; others: defaults.
        """
        self._statement = statement
        compiled = statement.compile(dialect=_SQLITE, column_keys=columns)
        self._text = str(compiled)
        names = tuple(compiled.positiontup or ())
        self._in_order = _values_of(names)
        binds = {name: compiled.binds[name] for name in names}
        self._constants = {name: bind.value for name, bind in binds.items() if not bind.required}
        self._converters = _only(
            {name: _parameter_processor(bind.type) for name, bind in binds.items()}
        )
        selected = statement.selected_columns if isinstance(statement, Select) else ()
        self._columns = tuple(column.name for column in selected)
        self._read = _only({column.name: _result_processor(column.type) for column in selected})

    def run(self, connection: Connection, values: Row) -> int:
        """Run the statement; return how many rows it changed.

        Raises: SQLAlchemyError, sqlite3.Error.
        """
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, values).rowcount
        return sqlite_of(connection).execute(self._text, self._parameters(values)).rowcount

    def first(self, connection: Connection, values: Row) -> Row | None:
        """Return the first row that it selects. Raises: SQLAlchemyError, sqlite3.Error."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, values).mappings().first()
        found = sqlite_of(connection).execute(self._text, self._parameters(values)).fetchone()
        if found is None:
            return None
        row = dict(zip(self._columns, found, strict=True))
        for name, read in self._read.items():
            row[name] = read(row[name])
        return row

    def _parameters(self, values: Row) -> tuple[Any, ...]:
        if self._constants or self._converters:
            values = {**self._constants, **values}
            for name, convert in self._converters.items():
                values[name] = convert(values[name])
        return self._in_order(values)


def sqlite_of(connection: Connection) -> sqlite3.Connection:
    """Return SQLite's own connection below SQLAlchemy's."""
    driver: sqlite3.Connection = connection.connection.dbapi_connection  # type: ignore[assignment]
    return driver


def _values_of(names: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
    """Return the function that takes the values with these names from a row, in order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple([values[name] for name in names])


def _parameter_processor(of_type: TypeEngine[Any]) -> Process | None:
    """Return what spells a value as SQLAlchemy does; None: the driver does it by itself."""
    if isinstance(of_type, Boolean):
        return None
    if isinstance(of_type, DateTime):
        return _date_time_text
    return of_type.dialect_impl(_SQLITE).bind_processor(_SQLITE)


def _date_time_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "microseconds")


def _result_processor(of_type: TypeEngine[Any]) -> Process | None:
    return of_type.dialect_impl(_SQLITE).result_processor(_SQLITE, None)


def _only(processes: Mapping[str, Process | None]) -> dict[str, Process]:
    return {name: process for name, process in processes.items() if process is not None}
