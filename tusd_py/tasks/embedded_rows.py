"""Reads and writes tasks as rows of the SQLite file that holds the live view."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, Final

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskFacts, TaskStatus

VERSION: Final = 3
"""Version of the table. A table of another version is dropped: the catalog can rebuild the view."""
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS tasks (
  task_id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, filename TEXT NOT NULL,
  file_hash TEXT NOT NULL, file_size INTEGER NOT NULL, temp_path TEXT NOT NULL,
  status TEXT NOT NULL, progress INTEGER NOT NULL, message TEXT NOT NULL,
  error_code TEXT NOT NULL, error_msg TEXT NOT NULL, oss_path TEXT NOT NULL,
  repository_id TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL,
  epoch TEXT NOT NULL, seq INTEGER NOT NULL, attempt INTEGER NOT NULL,
  last_progress INTEGER NOT NULL, notes TEXT NOT NULL, arrived INTEGER, change INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_by_user ON tasks (user_id, created_at DESC);
CREATE INDEX IF NOT EXISTS tasks_by_change ON tasks (change);
CREATE INDEX IF NOT EXISTS tasks_by_age ON tasks (updated_at);
"""
_COLUMNS: Final = (
    "task_id", "user_id", "filename", "file_hash", "file_size", "temp_path", "status", "progress",
    "message", "error_code", "error_msg", "oss_path", "repository_id", "created_at", "updated_at",
    "epoch", "seq", "attempt", "last_progress", "notes", "arrived",
)  # fmt: skip
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM tasks"  # noqa: S608  (constants)
_SELECT_SINCE: Final = (
    f"SELECT {', '.join(_COLUMNS)}, change FROM tasks WHERE change > ? ORDER BY change"  # noqa: S608
)
_PUT: Final = (
    f"INSERT INTO tasks ({', '.join(_COLUMNS)}, change) VALUES "  # noqa: S608
    f"({', '.join('?' * len(_COLUMNS))}, ?) ON CONFLICT (task_id) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in (*_COLUMNS[1:], 'change'))}"
)


def read_task(database: sqlite3.Connection, task_id: UploadId) -> Task | None:
    """Return a task; None: there is none. Raises: sqlite3.Error."""
    row = database.execute(f"{_SELECT} WHERE task_id = ?", (task_id,)).fetchone()
    return None if row is None else _task(row)


def read_tasks(database: sqlite3.Connection, ids: Collection[UploadId]) -> dict[UploadId, Task]:
    """Return those of the tasks that there are. Raises: sqlite3.Error."""
    marks = ", ".join("?" * len(ids))
    rows = database.execute(f"{_SELECT} WHERE task_id IN ({marks})", (*ids,))
    return {task.facts.task_id: task for task in map(_task, rows)}


def data_version(database: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has changed the file.

    Raises: sqlite3.Error.
    """
    version: int = database.execute("PRAGMA data_version").fetchone()[0]
    return version


def select_tasks(
    database: sqlite3.Connection, condition: str, values: Sequence[object]
) -> list[Task]:
    """Return the tasks in the order of a condition, which may begin with WHERE or ORDER BY.

    Raises: sqlite3.Error.
    """
    return [_task(row) for row in database.execute(f"{_SELECT} {condition}", values)]


def changed_since(database: sqlite3.Connection, last: int) -> list[tuple[Task, int]]:
    """Return the tasks that changed after a change, with the numbers of their last changes.

    Raises: sqlite3.Error.
    """
    rows = database.execute(_SELECT_SINCE, (last,)).fetchall()
    return [(_task(tuple(row)), change) for *row, change in rows]


def write_tasks(database: sqlite3.Connection, tasks: Sequence[Task]) -> None:
    """Write tasks, each with a number of its change. Raises: sqlite3.Error."""
    first = last_change(database) + 1
    database.executemany(_PUT, [(*_row(task), change) for change, task in enumerate(tasks, first)])


def last_change(database: sqlite3.Connection) -> int:
    """Return the number of the last change; 0 if there is no task. Raises: sqlite3.Error."""
    last: int = database.execute("SELECT coalesce(max(change), 0) FROM tasks").fetchone()[0]
    return last


def _row(task: Task) -> tuple[Any, ...]:
    facts = task.facts
    return (
        facts.task_id, facts.user_id, facts.filename, facts.file_hash, facts.file_size,
        facts.temp_path, str(task.status), task.progress, task.message, task.error_code,
        task.error_msg, task.oss_path, task.repository_id, facts.created_at, task.updated_at,
        task.epoch, task.seq, task.attempt, task.last_progress, " ".join(task.notes),
        task.offset,
    )  # fmt: skip


def _task(row: tuple[Any, ...]) -> Task:
    column = dict(zip(_COLUMNS, row, strict=True))
    facts = TaskFacts(
        task_id=UploadId(column["task_id"]),
        user_id=UserId(column["user_id"]),
        filename=column["filename"],
        file_hash=column["file_hash"],
        file_size=column["file_size"],
        temp_path=column["temp_path"],
        created_at=column["created_at"],
    )
    return Task(
        facts=facts,
        status=TaskStatus(column["status"]),
        progress=column["progress"],
        message=column["message"],
        attempt=column["attempt"],
        epoch=column["epoch"],
        seq=column["seq"],
        updated_at=column["updated_at"],
        error_code=column["error_code"],
        error_msg=column["error_msg"],
        oss_path=column["oss_path"],
        repository_id=column["repository_id"],
        last_progress=column["last_progress"],
        notes=tuple(column["notes"].split()),
        offset=column["arrived"],
    )
