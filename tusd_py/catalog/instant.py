"""Finishes uploads without their bytes, in SQL."""

from sqlalchemy import Connection, update
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.ports.uploads import InstantUploadRepository
from tusd_py.catalog.quotas import within_quota
from tusd_py.catalog.schema import uploads
from tusd_py.catalog.shared import add_history, complete_history, insert_upload, pool_file
from tusd_py.catalog.upload_rows import find_upload, upload_row, was_held
from tusd_py.clock import Clock
from tusd_py.domain.file import File
from tusd_py.domain.ids import Scope
from tusd_py.domain.quota import Quota
from tusd_py.domain.upload import FinishedContent, Upload, UploadState


class InstantUploads(InstantUploadRepository):
    """Finds content by its declared hash, in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def add_instant(self, upload: Upload, scope: Scope, quota: Quota | None = None) -> File | None:
        now = self._clock.now()

        def added(connection: Connection) -> File | None:
            known = find_upload(connection, upload.id) is not None
            return pool_file(connection, scope, upload.declared_hash or "") if known else None

        def work(connection: Connection) -> File | None:
            with within_quota(connection, upload.user_id, quota):
                return _add_instant(connection, upload, scope, now)

        return self._database.write(work, settled=added)

    @override
    def finish_instant(self, upload: Upload, scope: Scope) -> File | None:
        now = self._clock.now()

        def finished(connection: Connection) -> File | None:
            current = find_upload(connection, upload.id)
            done = current is not None and current.instant
            return pool_file(connection, scope, upload.declared_hash or "") if done else None

        return self._database.write(
            lambda c: finish_instant(c, upload, scope, now), settled=finished
        )


def _add_instant(connection: Connection, upload: Upload, scope: Scope, now: float) -> File | None:
    file = _held(connection, upload, scope)
    if file is None:
        return None
    born = {
        "state": UploadState.FINISHED.value,
        "file_hash": file.hash,
        "file_identity": file.identity,
        "extra_size": file.extra_size,
        "instant": True,
        "source_removed": True,
        "look_at": None,
    }
    insert_upload(connection, upload, {**upload_row(upload), **born})
    _record_instant(connection, upload, scope, file, now)
    return file


def finish_instant(connection: Connection, upload: Upload, scope: Scope, now: float) -> File | None:
    """Finish a receiving upload: see ``InstantUploadRepository.finish_instant``."""
    file = _held(connection, upload, scope)
    if file is None:
        return None
    finished = connection.execute(
        update(uploads)
        .where(uploads.c.id == upload.id, uploads.c.state == UploadState.RECEIVING.value)
        .values(
            state=UploadState.FINISHED.value,
            file_hash=file.hash,
            file_identity=file.identity,
            extra_size=file.extra_size,
            instant=True,
            look_at=None,
        )
    )
    if finished.rowcount != 1:
        was_held(connection, upload.id)
        return None
    _record_instant(connection, upload, scope, file, now)
    return file


def _held(connection: Connection, upload: Upload, scope: Scope) -> File | None:
    """Return the scope's file with the hash and the length that the upload declares."""
    file = pool_file(connection, scope, upload.declared_hash or "", locked=True)
    return file if file is not None and file.size == upload.length else None


def _record_instant(
    connection: Connection, upload: Upload, scope: Scope, file: File, now: float
) -> None:
    content = FinishedContent(
        upload_id=upload.id,
        user_id=upload.user_id,
        scope=scope,
        filename=upload.filename,
        filetype=upload.filetype,
        file_hash=file.hash,
        file_size=file.size,
        temp_path="",
        created_at=upload.created_at,
    )
    add_history(connection, content, now=now)
    complete_history(connection, upload.id, file, duration=0, now=now)
