"""Implements the port ``HookRepository`` in SQL: an outbox of its own for the events of hooks.

The process that opens the database names the events to record; without names none is recorded.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, exists, insert, select, update
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.ports.hooks import HookRepository
from tusd_py.catalog.rows import file_of, outcome_of, rendition_of
from tusd_py.catalog.schema import (
    file_upload_history,
    hook_events,
    jobs,
    renditions,
    repository_pool,
    uploads,
)
from tusd_py.catalog.upload_rows import upload_of
from tusd_py.catalog.values import PendingEvent
from tusd_py.clock import Clock
from tusd_py.domain.file import File
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId
from tusd_py.domain.rendition import Rendition

RECORDED: Final = "tusd_hooks"
"""Execution option with the events that are recorded."""
_ADD: Final = insert(hook_events)


def add_event(connection: Connection, upload_id: UploadId, event: HookEvent, now: float) -> None:
    """Record an event, if events of this kind are recorded."""
    if event not in connection.get_execution_options().get(RECORDED, ()):
        return
    row = {
        "event_id": secrets.token_hex(16),
        "upload_id": upload_id,
        "event": event.value,
        "happened_at": now,
        "due_at": now,
        "failures": 0,
    }
    connection.execute(_ADD, row)


class SqlHooks(HookRepository):
    """Keeps events for hooks in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def claim(self, limit: int, hold_seconds: float) -> Sequence[PendingEvent]:
        now = self._clock.now()
        if not self._database.read(lambda c: c.execute(_due(now, 1)).first()):
            return ()
        return self._database.write(lambda c: _claim(c, limit, now, now + hold_seconds))

    @override
    def delivered(self, event_id: str) -> None:
        statement = delete(hook_events).where(hook_events.c.event_id == event_id)
        self._database.write(lambda c: c.execute(statement))

    @override
    def failed(self, event_id: str, after_seconds: float) -> None:
        table = hook_events
        statement = (
            update(table)
            .where(table.c.event_id == event_id)
            .values(failures=table.c.failures + 1, due_at=self._clock.now() + after_seconds)
        )
        self._database.write(lambda c: c.execute(statement))


def _due(now: float, limit: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Return a statement for the due events that are the oldest of their upload."""
    earlier = hook_events.alias("earlier")
    first = ~exists(
        select(earlier.c.id).where(
            earlier.c.upload_id == hook_events.c.upload_id, earlier.c.id < hook_events.c.id
        )
    )
    return (
        select(hook_events)
        .where(hook_events.c.due_at <= now, first)
        .order_by(hook_events.c.id)
        .limit(limit)
    )


def _claim(connection: Connection, limit: int, now: float, until: float) -> list[PendingEvent]:
    taken = []
    for row in connection.execute(_due(now, limit)).mappings().all():
        # Another server may claim it at the same time.
        won = connection.execute(
            update(hook_events)
            .where(hook_events.c.id == row["id"], hook_events.c.due_at == row["due_at"])
            .values(due_at=until)
        ).rowcount
        if won:
            taken.append(_pending_event(connection, row))
    return taken


def _pending_event(connection: Connection, row) -> PendingEvent:  # type: ignore[no-untyped-def]  # noqa: ANN001
    upload_id = row["upload_id"]
    of_upload = select(uploads).where(uploads.c.id == upload_id)
    history = file_upload_history
    of_task = (
        select(history, jobs.c.fence, jobs.c.error_code)
        .outerjoin(jobs, jobs.c.task_id == history.c.task_id)
        .where(history.c.task_id == upload_id)
    )
    ended = connection.execute(of_task).mappings().first()
    upload = upload_of(connection.execute(of_upload).mappings().one())
    file, others = _file(connection, upload.file_identity)
    return PendingEvent(
        id=row["event_id"],
        event=HookEvent(row["event"]),
        at=row["happened_at"],
        failures=row["failures"],
        upload=upload,
        file=file,
        renditions=others,
        outcome=None if ended is None else outcome_of(ended),
    )


def _file(
    connection: Connection, identity: str | None
) -> tuple[File | None, tuple[Rendition, ...]]:
    if identity is None:
        return None, ()
    pool = select(repository_pool).where(repository_pool.c.identity == identity)
    row = connection.execute(pool).mappings().first()
    if row is None:
        return None, ()
    of_file = select(renditions).where(renditions.c.identity == identity).order_by(renditions.c.id)
    found = connection.execute(of_file).mappings().all()
    return file_of(row), tuple(rendition_of(one) for one in found)
