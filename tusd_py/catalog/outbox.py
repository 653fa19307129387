"""The outbox in SQL: rows that state which messages must be sent.

Each row is written in the transaction that makes its message necessary.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, insert, select, update
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.fast_statement import FastStatement
from tusd_py.catalog.ports.jobs import OutboxRepository
from tusd_py.catalog.rows import message_of, notes_of, outcome_of
from tusd_py.catalog.schema import file_upload_history, jobs, outbox
from tusd_py.catalog.values import Outcome
from tusd_py.clock import Clock
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobMessage

JOB: Final = "job"
OUTCOME: Final = "outcome"
MESSAGES: Final = "tusd_messages"
"""Execution option: whether a broker carries messages of jobs, so that rows for them are added."""
SENT_ROWS_SECONDS = 24 * 3600.0

_ADD_OUTBOX: Final = FastStatement(insert(outbox), ["task_id", "kind", "due_at"])
# Compiled once: see ``fast_statement``.
_PENDING: Final = (
    select(outbox.c.id.label("row_id"), jobs)
    .join(jobs, jobs.c.task_id == outbox.c.task_id)
    .where(outbox.c.kind == JOB, outbox.c.sent_at.is_(None), outbox.c.due_at <= bindparam("now"))
    .order_by(outbox.c.id)
    .limit(bindparam("limit"))
)
_PENDING_OUTCOMES: Final = (
    select(
        outbox.c.id.label("row_id"),
        outbox.c.due_at,
        jobs.c.fence,
        jobs.c.error_code,
        jobs.c.ended_at,
        jobs.c.checkpoint,
        file_upload_history,
    )
    .join(file_upload_history, file_upload_history.c.task_id == outbox.c.task_id)
    .outerjoin(jobs, jobs.c.task_id == outbox.c.task_id)
    .where(outbox.c.kind == OUTCOME, outbox.c.sent_at.is_(None))
    .order_by(outbox.c.id)
    .limit(bindparam("limit"))
)
_MARK_SENT: Final = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("row_ids", expanding=True)))
    .values(sent_at=bindparam("now"))
)
_DROP_SENT: Final = delete(outbox).where(outbox.c.sent_at < bindparam("before"))
_UNSENT_MESSAGES: Final = and_(outbox.c.sent_at.is_(None), outbox.c.kind == JOB)


def add_message(connection: Connection, task_id: UploadId, *, due_at: float) -> None:
    """Add a row by which a broker, if there is one, wakes a worker at ``due_at`` (unix seconds)."""
    if connection.get_execution_options().get(MESSAGES):
        _ADD_OUTBOX.run(connection, {"task_id": task_id, "kind": JOB, "due_at": due_at})


def add_outcome(connection: Connection, task_id: UploadId, *, now: float) -> None:
    """Add a row by which subscribers get the task's end, even if this process dies now."""
    _ADD_OUTBOX.run(connection, {"task_id": task_id, "kind": OUTCOME, "due_at": now})


def drop_unsent_messages(database: Transactions) -> None:
    """Drop rows of messages that no broker will carry: workers find the jobs without them."""
    unsent = select(outbox.c.id).where(_UNSENT_MESSAGES).limit(1)
    if database.read(lambda c: c.execute(unsent).first()) is not None:
        database.write(lambda c: c.execute(delete(outbox).where(_UNSENT_MESSAGES)))


class Outbox(OutboxRepository):
    """Reads the rows that must be sent, and marks those that were."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def pending_jobs(self, limit: int) -> Sequence[tuple[int, JobMessage]]:
        values = {"now": self._clock.now(), "limit": limit}
        return self._database.read(
            lambda c: [
                (row["row_id"], message_of(row)) for row in c.execute(_PENDING, values).mappings()
            ]
        )

    @override
    def pending_outcomes(self, limit: int) -> Sequence[tuple[int, Outcome]]:
        return self._database.read(
            lambda c: [
                (row["row_id"], _outcome_with_notes(row))
                for row in c.execute(_PENDING_OUTCOMES, {"limit": limit}).mappings()
            ]
        )

    @override
    def mark_sent(self, row_ids: Sequence[int]) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            connection.execute(_MARK_SENT, {"row_ids": list(row_ids), "now": now})
            connection.execute(_DROP_SENT, {"before": now - SENT_ROWS_SECONDS})

        self._database.write(work)


def _outcome_with_notes(row: RowMapping) -> Outcome:
    """Return the outcome, with the notes of the job if the row tells of the job's own end.

    The file of a task may also be processed again by the job of another task.
    """
    outcome = outcome_of(row)
    if row["ended_at"] is None or row["ended_at"] != row["due_at"]:
        return outcome
    return replace(outcome, notes=notes_of(row["checkpoint"]))
