"""Implements the port ``ObjectRepository`` in SQL: the pool, multipart uploads, and tombstones."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    delete,
    exists,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.ports.objects import ObjectRepository
from tusd_py.catalog.rows import file_of, rendition_of
from tusd_py.catalog.schema import (
    catalog_identity,
    jobs,
    object_multiparts,
    object_parts,
    object_tombstones,
    renditions,
    repository_pool,
)
from tusd_py.catalog.shared import IDS_AT_ONCE, pool_file
from tusd_py.clock import Clock
from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.domain.errors import LeaseLost
from tusd_py.domain.file import File
from tusd_py.domain.ids import Scope, UploadId
from tusd_py.domain.job import JobState
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.domain.rendition import Rendition

TOMBSTONE_SECONDS: Final = WEEK_SECONDS
"""Longer than the life of any attempt that may have found the object before it was removed."""
_SENDING = (JobState.QUEUED.value, JobState.RUNNING.value, JobState.FAILED.value)


class SqlObjects(ObjectRepository):
    """Keeps the files of the pool and their objects, in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def file(self, identity: str) -> File | None:
        statement = select(repository_pool).where(repository_pool.c.identity == identity)
        row = self._database.read(lambda c: c.execute(statement).mappings().first())
        return None if row is None else file_of(row)

    @override
    def files(self, identities: Collection[str]) -> Mapping[str, File]:
        wanted = sorted(identities)
        found: dict[str, File] = {}
        for start in range(0, len(wanted), IDS_AT_ONCE):
            some = wanted[start : start + IDS_AT_ONCE]
            statement = select(repository_pool).where(repository_pool.c.identity.in_(some))
            found.update((file.identity, file) for file in self._files(statement))
        return found

    def _files(self, statement: Select[Any]) -> list[File]:
        return self._database.read(
            lambda c: [file_of(row) for row in c.execute(statement).mappings()]
        )

    @override
    def file_by_hash(self, scope: Scope, file_hash: str) -> File | None:
        return self._database.read(lambda c: pool_file(c, scope, file_hash))

    @override
    def keys(self) -> Iterable[str]:
        statement = union_all(select(repository_pool.c.object_key), select(renditions.c.object_key))
        return self._database.read(lambda c: list(c.execute(statement).scalars()))

    @override
    def renditions(self, identity: str) -> Sequence[Rendition]:
        table = renditions
        statement = select(table).where(table.c.identity == identity).order_by(table.c.id)
        return self._database.read(
            lambda c: [rendition_of(row) for row in c.execute(statement).mappings()]
        )

    @override
    def multipart(self, task_id: UploadId) -> Multipart | None:
        return self._database.read(lambda c: _multipart(c, task_id))

    @override
    def begin_multipart(self, task_id: UploadId, *, fence: int, multipart: Multipart) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            _held(connection, task_id, fence)
            forget_multipart(connection, task_id)
            connection.execute(
                insert(object_multiparts).values(
                    task_id=task_id,
                    object_key=multipart.key,
                    upload_id=multipart.upload_id,
                    part_size=multipart.part_size,
                    created_at=now,
                )
            )

        self._database.write(work)

    @override
    def add_part(self, task_id: UploadId, *, fence: int, part: Part) -> None:
        same = (object_parts.c.task_id == task_id, object_parts.c.number == part.number)
        statement = insert(object_parts).values(
            task_id=task_id,
            number=part.number,
            size=part.size,
            etag=part.etag,
            checksum=part.checksum,
        )

        def work(connection: Connection) -> None:
            _held(connection, task_id, fence)
            connection.execute(delete(object_parts).where(*same))
            connection.execute(statement)

        self._database.write(work)

    @override
    def forget_multipart(self, task_id: UploadId, *, fence: int) -> None:

        def work(connection: Connection) -> None:
            _held(connection, task_id, fence)
            forget_multipart(connection, task_id)

        self._database.write(work)

    @override
    def multipart_ids(self) -> Collection[str]:
        statement = (
            select(object_multiparts.c.upload_id)
            .join(jobs, jobs.c.task_id == object_multiparts.c.task_id)
            .where(jobs.c.state.in_(_SENDING))
        )
        return self._database.read(lambda c: set(c.execute(statement).scalars()))

    @override
    def identity(self) -> str:
        statement = select(catalog_identity.c.identity)
        found: str = self._database.read(lambda c: c.execute(statement).scalar_one())
        return found

    @override
    def condemn(self, key: str) -> bool:
        now = self._clock.now()
        return self._database.write(lambda c: _condemn(c, key, now))

    @override
    def removed(self, key: str) -> None:
        now = self._clock.now()
        table = object_tombstones

        def work(connection: Connection) -> None:
            connection.execute(
                update(table).where(table.c.object_key == key).values(removed=True, at=now)
            )
            old = table.c.at < now - TOMBSTONE_SECONDS
            connection.execute(delete(table).where(table.c.removed.is_(True), old))

        self._database.write(work)

    @override
    def claim(self, key: str) -> bool:
        table = object_tombstones

        known = table.c.object_key == key

        def work(connection: Connection) -> bool:
            connection.execute(delete(table).where(known, table.c.removed.is_(True)))
            return connection.execute(select(table.c.at).where(known)).first() is None

        return self._database.write(work)


def forget_multipart(connection: Connection, task_id: UploadId) -> None:
    """Delete the record of the job's multipart upload."""
    connection.execute(delete(object_parts).where(object_parts.c.task_id == task_id))
    connection.execute(delete(object_multiparts).where(object_multiparts.c.task_id == task_id))


def hold_object(connection: Connection, key: str, now: float) -> bool:
    """Keep the object from being condemned until this transaction ends, which refers to it.

    Both sides insert the same key: the second waits for the commit of the first at any isolation
    level.

    Returns: False if the object is condemned already.
    """
    try:
        with connection.begin_nested():
            connection.execute(
                insert(object_tombstones).values(object_key=key, removed=False, at=now)
            )
    except IntegrityError:
        return False
    connection.execute(delete(object_tombstones).where(object_tombstones.c.object_key == key))
    return True


def _condemn(connection: Connection, key: str, now: float) -> bool:
    table = object_tombstones
    known = table.c.object_key == key
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(object_key=key, removed=False, at=now))
    except IntegrityError:
        # Condemned before, by a janitor that stopped half-way or that still runs.
        connection.execute(update(table).where(known).values(removed=False, at=now))
    main = exists(select(repository_pool.c.id).where(repository_pool.c.object_key == key))
    rendition = exists(select(renditions.c.id).where(renditions.c.object_key == key))
    if connection.execute(select(or_(main, rendition))).scalar():
        connection.execute(delete(table).where(known))
        return False
    return True


def _held(connection: Connection, task_id: UploadId, fence: int) -> None:
    """Check that this attempt holds the job, and lock it. Raises: LeaseLost."""
    statement = (
        select(jobs.c.task_id)
        .where(
            jobs.c.task_id == task_id,
            jobs.c.fence == fence,
            jobs.c.state == JobState.RUNNING.value,
        )
        .with_for_update()
    )
    if connection.execute(statement).first() is None:
        raise LeaseLost


def _multipart(connection: Connection, task_id: UploadId) -> Multipart | None:
    table = object_multiparts
    row = connection.execute(select(table).where(table.c.task_id == task_id)).mappings().first()
    if row is None:
        return None
    parts = object_parts
    statement = select(parts).where(parts.c.task_id == task_id).order_by(parts.c.number)
    return Multipart(
        key=row["object_key"],
        upload_id=row["upload_id"],
        part_size=row["part_size"],
        parts=tuple(
            Part(
                number=found["number"],
                size=found["size"],
                etag=found["etag"],
                checksum=found["checksum"],
            )
            for found in connection.execute(statement).mappings()
        ),
    )
