"""Implements the port ``UploadRepository`` in SQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    exists,
    false,
    or_,
    select,
    update,
)
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.file_list import list_files
from tusd_py.catalog.finish import add_finished, finish
from tusd_py.catalog.hooks import add_event
from tusd_py.catalog.instant import InstantUploads
from tusd_py.catalog.objects import forget_multipart
from tusd_py.catalog.ports.uploads import LATEST_EXAMINATION_SECONDS, UploadRepository
from tusd_py.catalog.quotas import reserve_quota, usage, within_quota
from tusd_py.catalog.rows import checkpoint_of, date_time, outcome_of
from tusd_py.catalog.schema import file_upload_history, jobs, repository_pool, uploads
from tusd_py.catalog.shared import IDS_AT_ONCE, insert_upload, pool_file, release_file
from tusd_py.catalog.shares import end_shares
from tusd_py.catalog.targets import add_target, find_answer, find_target, set_answer
from tusd_py.catalog.upload_rows import (
    CLOSED_STATES,
    find_upload,
    upload_of,
    upload_row,
    was_held,
)
from tusd_py.catalog.values import HOUR, FileQuery, Finished, HistoryRow, ListPosition, Outcome
from tusd_py.clock import Clock
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import INFECTED, REFUSALS, JobState
from tusd_py.domain.notes import Note
from tusd_py.domain.quota import Quota, Usage, check_bytes
from tusd_py.domain.target import TargetAnswer, TargetRequest
from tusd_py.domain.upload import FinishedContent, Upload, UploadKind, UploadState

REFUSED_SOURCE_SECONDS = 24 * 3600.0
"""How long the source is kept of a job that failed by a verdict on the file.

An operator can change the settings and reopen the job in this time.
"""
_EXAMINE_AGAIN: Final = (
    update(uploads).where(uploads.c.id == bindparam("upload_id")).values(look_at=bindparam("at"))
)
_CREATED_APART_SECONDS: Final = HOUR
"""How much earlier than its part a final upload may seem to be created, since clocks differ."""
_EVENTS: Final = {
    UploadState.TERMINATED: HookEvent.POST_TERMINATE,
    UploadState.EXPIRED: HookEvent.POST_EXPIRE,
}


class SqlUploads(InstantUploads, UploadRepository):
    """Keeps the records of uploads in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def add(self, upload: Upload, quota: Quota | None = None) -> None:
        row = upload_row(upload)

        def work(connection: Connection) -> bool:
            with within_quota(connection, upload.user_id, quota):
                insert_upload(connection, upload, row)
                if upload.target is not None:
                    add_target(connection, upload.id, upload.target)
                return True

        self._database.write(
            work, settled=lambda c: True if find_upload(c, upload.id) is not None else None
        )

    @override
    def declare_hash(self, upload_id: UploadId, declared_hash: str) -> bool:
        table = uploads
        statement = (
            update(table)
            .where(
                table.c.id == upload_id,
                or_(table.c.declared_hash.is_(None), table.c.declared_hash == declared_hash),
            )
            .values(declared_hash=declared_hash)
        )
        return self._database.write(lambda c: c.execute(statement).rowcount == 1)

    @override
    def keep_sha256(self, upload_id: UploadId, sha256: str) -> None:
        statement = update(uploads).where(uploads.c.id == upload_id).values(sha256=sha256)
        self._database.write(lambda c: c.execute(statement))

    @override
    def get(self, upload_id: UploadId) -> Upload | None:
        return self._database.read(lambda c: find_upload(c, upload_id))

    @override
    def get_all(self, ids: Collection[UploadId]) -> Mapping[UploadId, Upload]:
        wanted = sorted(ids)
        found: dict[UploadId, Upload] = {}
        for start in range(0, len(wanted), IDS_AT_ONCE):
            some = wanted[start : start + IDS_AT_ONCE]
            found.update((upload.id, upload) for upload in self._uploads(uploads.c.id.in_(some)))
        return found

    @override
    def declare_length(self, upload: Upload, length: int, quota: Quota | None = None) -> bool:
        statement = (
            update(uploads)
            .where(uploads.c.id == upload.id, uploads.c.length.is_(None))
            .values(length=length)
        )

        def work(connection: Connection) -> bool:
            with within_quota(connection, upload.user_id, quota, check_bytes):
                return connection.execute(statement).rowcount == 1

        return self._database.write(work)

    @override
    def set_completes_at_length(self, upload_id: UploadId, value: bool) -> None:
        statement = (
            update(uploads).where(uploads.c.id == upload_id).values(completes_at_length=value)
        )
        self._database.write(lambda c: c.execute(statement))

    @override
    def reserve_quota(self, upload: Upload, *, end: int, ahead: int, limit: int) -> int:
        return self._database.write(lambda c: reserve_quota(c, upload, end, ahead, limit))

    @override
    def set_reserved(self, upload_id: UploadId, size: int) -> None:
        statement = (
            update(uploads)
            .where(uploads.c.id == upload_id, uploads.c.length.is_(None))
            .values(granted=size)
        )
        self._database.write(lambda c: c.execute(statement))

    @override
    def usage(self, user_id: UserId) -> Usage:
        return self._database.read(lambda c: usage(c, user_id))

    @override
    def finish(self, content: FinishedContent, *, is_video: bool) -> Finished:
        now = self._clock.now()
        return self._database.write(lambda c: finish(c, content, is_video=is_video, now=now))

    @override
    def add_finished(
        self, upload: Upload, content: FinishedContent, *, is_video: bool, quota: Quota | None
    ) -> Finished:
        now = self._clock.now()

        def work(connection: Connection) -> Finished:
            return add_finished(
                connection, upload, content, is_video=is_video, quota=quota, now=now
            )

        def settled(connection: Connection) -> Finished | None:
            if find_upload(connection, upload.id) is None:
                return None
            held = was_held(connection, upload.id)
            file = pool_file(connection, content.scope, content.file_hash) if held else None
            return Finished(first=True, file=file)

        return self._database.write(work, settled=settled)

    @override
    def finish_partial(self, upload_id: UploadId, file_hash: str) -> None:
        statement = (
            update(uploads)
            .where(uploads.c.id == upload_id, uploads.c.state == UploadState.RECEIVING.value)
            .values(state=UploadState.FINISHED.value, file_hash=file_hash)
        )
        self._database.write(lambda c: c.execute(statement))

    @override
    def close(self, upload_id: UploadId, state: UploadState) -> bool:
        now = self._clock.now()
        return self._database.write(lambda c: _close(c, upload_id, state, now))

    @override
    def target(self, upload_id: UploadId) -> TargetRequest | None:
        return self._database.read(lambda c: find_target(c, upload_id))

    @override
    def target_answer(self, upload_id: UploadId) -> TargetAnswer | None:
        return self._database.read(lambda c: find_answer(c, upload_id))

    @override
    def keep_target_answer(self, upload_id: UploadId, answer: TargetAnswer) -> None:
        now = self._clock.now()

        def work(connection: Connection) -> None:
            set_answer(connection, upload_id, answer)
            _close(connection, upload_id, UploadState.TERMINATED, now)

        self._database.write(work)

    @override
    def receiving(self) -> Sequence[UploadId]:
        statement = (
            select(uploads.c.id)
            .where(uploads.c.state == UploadState.RECEIVING.value)
            .order_by(uploads.c.created_at)
        )
        return self._database.read(
            lambda c: [UploadId(found) for found in c.execute(statement).scalars()]
        )

    @override
    def due(self, limit: int) -> Sequence[Upload]:
        now = self._clock.now()
        at = uploads.c.look_at
        # One statement for each range of the index: with OR, all due rows would be read and sorted.
        ranges = (at <= now, at > now + 2 * LATEST_EXAMINATION_SECONDS)

        def read(connection: Connection) -> list[Upload]:
            found: list[Upload] = []
            for condition in ranges:
                rows = select(uploads).where(condition).order_by(at).limit(limit - len(found))
                found += [upload_of(row) for row in connection.execute(rows).mappings()]
                if len(found) == limit:
                    break
            return found

        return self._database.read(read)

    @override
    def examine_again(self, times: Mapping[UploadId, float | None]) -> None:
        rows = [{"upload_id": upload_id, "at": at} for upload_id, at in times.items()]
        if rows:
            self._database.write(lambda c: c.execute(_EXAMINE_AGAIN, rows))

    @override
    def finals_of(self, part: UploadId) -> Sequence[Upload]:
        owner = select(uploads.c.user_id).where(uploads.c.id == part).scalar_subquery()
        return self._uploads(
            and_(
                uploads.c.user_id == owner,
                uploads.c.state == UploadState.RECEIVING.value,
                uploads.c.kind == UploadKind.FINAL.value,
                uploads.c.parts.contains(part),
            )
        )

    @override
    def is_joined(self, part: Upload, *, before: float) -> bool:
        history = file_upload_history
        # The state is no condition here: by the index of states, all files of the owner are read.
        finals = (
            select(uploads.c.state, history.c.created_at <= date_time(before))
            .outerjoin(history, history.c.task_id == uploads.c.id)
            .where(
                uploads.c.user_id == part.user_id,
                uploads.c.created_at >= part.created_at - _CREATED_APART_SECONDS,
                uploads.c.kind == UploadKind.FINAL.value,
                uploads.c.parts.contains(part.id),
            )
        )
        found = self._database.read(lambda c: c.execute(finals).all())
        awaited = any(state == UploadState.RECEIVING.value for state, _ in found)
        joined = any(state == UploadState.FINISHED.value and early for state, early in found)
        return joined and not awaited

    def _uploads(self, condition: object) -> list[Upload]:
        statement = select(uploads).where(condition).order_by(uploads.c.created_at)  # type: ignore[arg-type]
        return self._database.read(
            lambda c: [upload_of(row) for row in c.execute(statement).mappings()]
        )

    @override
    def removable_sources(self, *, failed_after: float | None = None) -> Sequence[UploadId]:
        statement = _removable(self._clock.now(), failed_after)
        return self._database.read(
            lambda c: [UploadId(found) for found in c.execute(statement).scalars()]
        )

    @override
    def source_removed(self, upload_id: UploadId) -> None:
        statement = update(uploads).where(uploads.c.id == upload_id).values(source_removed=True)
        self._database.write(lambda c: c.execute(statement))

    @override
    def outcome(self, task_id: UploadId) -> Outcome | None:
        history = file_upload_history
        statement = (
            select(
                history,
                jobs.c.fence,
                jobs.c.error_code,
                jobs.c.state,
                jobs.c.checkpoint,
                repository_pool.c.stored_hash,
            )
            .outerjoin(jobs, jobs.c.task_id == history.c.task_id)
            .outerjoin(repository_pool, repository_pool.c.identity == history.c.repository_identity)
            .where(history.c.task_id == task_id)
        )
        row = self._database.read(lambda c: c.execute(statement).mappings().first())
        return None if row is None else replace(outcome_of(row), notes=_notes_of_file(row))

    @override
    def files(
        self, user_id: UserId, query: FileQuery, position: ListPosition, *, size: int
    ) -> tuple[int, Sequence[HistoryRow]]:
        return self._database.read(lambda c: list_files(c, user_id, query, position, size))


def _notes_of_file(row: RowMapping) -> tuple[Note, ...]:
    """Return the notes of the task's own job if the pool still has the file that it stored.

    The job of another task may have replaced the file, and a job that fails to process it again
    leaves it as it was.
    """
    if row["state"] != JobState.DONE.value or row["error_code"]:
        return ()
    checkpoint = checkpoint_of(row["checkpoint"])
    made = row["file_hash"] if checkpoint.web is None else checkpoint.web.hash
    return checkpoint.notes if made == row["stored_hash"] else ()


def _close(connection: Connection, upload_id: UploadId, state: UploadState, now: float) -> bool:
    closed = connection.execute(
        update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.state.not_in([s.value for s in CLOSED_STATES]))
        .values(state=state.value, look_at=None)
    ).rowcount
    if closed:
        release_file(connection, upload_id)
        end_shares(connection, upload_id)
        active = (JobState.QUEUED.value, JobState.RUNNING.value)
        connection.execute(
            update(jobs)
            .where(jobs.c.task_id == upload_id, jobs.c.state.in_(active))
            .values(state=JobState.CANCELLED.value, ended_at=now)
        )
        forget_multipart(connection, upload_id)
        kind = connection.execute(select(uploads.c.kind).where(uploads.c.id == upload_id)).scalar()
        if state in _EVENTS and kind != UploadKind.PARTIAL.value:
            add_event(connection, upload_id, _EVENTS[state], now)
    elif state is UploadState.TERMINATED:
        lost = uploads.c.state.in_((UploadState.EXPIRED.value, UploadState.REJECTED.value))
        connection.execute(
            update(uploads).where(uploads.c.id == upload_id, lost).values(state=state.value)
        )
    return closed == 1


def _removable(now: float, failed_after: float | None):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Return the statement of ``UploadRepository.removable_sources``."""
    job = select(jobs.c.task_id).where(jobs.c.task_id == uploads.c.id)
    active = job.where(jobs.c.state.in_((JobState.QUEUED.value, JobState.RUNNING.value)))
    given_up = job.where(
        or_(
            jobs.c.state == JobState.CANCELLED.value,
            and_(jobs.c.state == JobState.FAILED.value, _ended_for_good(now, failed_after)),
        )
    )
    finished = uploads.c.state == UploadState.FINISHED.value
    return select(uploads.c.id).where(
        uploads.c.source_removed.is_(False),
        ~exists(active),
        or_(
            uploads.c.state.in_([state.value for state in CLOSED_STATES]),
            and_(finished, uploads.c.file_identity.is_not(None)),
            and_(finished, exists(given_up)),
        ),
    )


def _ended_for_good(now: float, failed_after: float | None) -> ColumnElement[bool]:
    """Return the condition of a failed job whose source is not needed any longer.

    The source of a failure that was not the file's fault is kept for another attempt.
    """
    refused = and_(
        jobs.c.error_code.in_(sorted(REFUSALS)), jobs.c.ended_at < now - REFUSED_SOURCE_SECONDS
    )
    old = false() if failed_after is None else jobs.c.ended_at < now - failed_after
    return or_(jobs.c.error_code == INFECTED, refused, old)
