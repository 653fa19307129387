"""Implements the port ``OperationRepository`` in SQL: workers, times of steps, and storage."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, union_all, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.metrics import count_work
from tusd_py.catalog.ports.operations import OperationRepository
from tusd_py.catalog.schema import renditions, repository_pool, step_times, uploads, workers
from tusd_py.catalog.values import HOUR, CatalogMetrics
from tusd_py.clock import Clock
from tusd_py.domain.job import Step
from tusd_py.domain.operation import StepTime, StepTimes, Storage, WorkerInfo

_STEPS: Final = frozenset(step.value for step in Step)
KEPT_HOURS: Final = 7 * 24


class SqlOperations(OperationRepository):
    """Keeps what an operator observes, in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def heartbeat(self, owner: str, *, slots: int, times: StepTimes, for_seconds: float) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            _upsert_worker(connection, owner, slots, now, now + for_seconds)
            for step, time in times.items():
                _add_time(connection, step, int(now // HOUR), time)
            connection.execute(delete(workers).where(workers.c.good_until < now))
            oldest = int(now // HOUR) - KEPT_HOURS
            connection.execute(delete(step_times).where(step_times.c.hour < oldest))

        self._database.write(work)

    @override
    def deregister(self, owner: str) -> None:
        statement = delete(workers).where(workers.c.owner == owner)
        self._database.write(lambda c: c.execute(statement))

    @override
    def workers(self) -> Sequence[WorkerInfo]:
        statement = (
            select(workers.c.owner, workers.c.slots, workers.c.started_at, workers.c.seen_at)
            .where(workers.c.good_until >= self._clock.now())
            .order_by(workers.c.owner)
        )
        return self._database.read(
            lambda c: [WorkerInfo(**row) for row in c.execute(statement).mappings()]
        )

    @override
    def step_times(self, *, hours: int) -> StepTimes:
        statement = (
            select(step_times.c.step, func.sum(step_times.c.runs), func.sum(step_times.c.seconds))
            .where(step_times.c.hour > int(self._clock.now() // HOUR) - hours)
            .group_by(step_times.c.step)
        )
        return self._database.read(
            lambda c: {
                Step(step): StepTime(int(runs), float(seconds))
                for step, runs, seconds in c.execute(statement)
                # A worker of a later version may have written a step that is unknown here.
                if step in _STEPS
            }
        )

    @override
    def storage(self) -> Storage:
        return self._database.read(_storage)

    @override
    def metrics(self) -> CatalogMetrics:
        now = self._clock.now()
        return self._database.read(lambda c: count_work(c, now))


def _upsert_worker(
    connection: Connection, owner: str, slots: int, now: float, good_until: float
) -> None:
    values = {"slots": slots, "seen_at": now, "good_until": good_until}
    known = update(workers).where(workers.c.owner == owner).values(**values)
    if not connection.execute(known).rowcount:
        connection.execute(insert(workers).values(owner=owner, started_at=now, **values))


def _add_time(connection: Connection, step: Step, hour: int, time: StepTime) -> None:
    """Add the time to the row of this hour; several workers may insert the row at once."""
    table = step_times
    add = (
        update(table)
        .where(table.c.step == step.value, table.c.hour == hour)
        .values(runs=table.c.runs + time.runs, seconds=table.c.seconds + time.seconds)
    )
    if connection.execute(add).rowcount:
        return
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(table).values(step=step.value, hour=hour, runs=0, seconds=0.0))
    connection.execute(add)


def _storage(connection: Connection) -> Storage:
    pool = repository_pool
    every = union_all(
        select(pool.c.object_key, pool.c.stored_size.label("size")),
        select(renditions.c.object_key, renditions.c.size),
    ).subquery("every")
    # Owners of the same content may share one object.
    objects = (
        select(func.max(every.c.size).label("size"))
        .group_by(every.c.object_key)
        .subquery("objects")
    )
    kept = select(func.count(), func.coalesce(func.sum(objects.c.size), 0)).select_from(objects)
    sources = (
        select(func.max(pool.c.size).label("size")).group_by(pool.c.object_key).subquery("sources")
    )
    sent = select(func.coalesce(func.sum(sources.c.size), 0))
    spared = select(func.count(), func.coalesce(func.sum(uploads.c.length), 0)).where(
        uploads.c.instant
    )
    files = connection.execute(select(func.count()).select_from(pool)).scalar_one()
    count, stored = connection.execute(kept).one()
    source = connection.execute(sent).scalar_one()
    instants, instant_bytes = connection.execute(spared).one()
    return Storage(
        files=files,
        objects=count,
        object_bytes=int(stored),
        source_bytes=int(source),
        instant_uploads=instants,
        instant_bytes=int(instant_bytes),
    )
