"""Collecting uploads that nothing came for."""

import logging

from tusd_py.domain.errors import TusdError, UploadExpired
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.uploads.room import UploadRoom
from tusd_py.uploads.terminate import drop

log = logging.getLogger(__name__)


async def expired_uploads(room: UploadRoom) -> list[Upload]:
    """Unfinished uploads, and partial ones, that are past their time."""
    return await room.threads.call(_expired, room)


def _expired(room: UploadRoom) -> list[Upload]:
    if room.policy.expires_after is None:
        return []
    now = room.clock.now()
    candidates = [*room.catalog.receiving(), *room.catalog.finished_partials()]
    return [
        upload
        for upload in candidates
        if (expires_at := room.expires_at(upload)) is not None and expires_at < now
    ]


async def collect_expired(room: UploadRoom, seen: frozenset[UploadId]) -> frozenset[UploadId]:
    """Remove what was past its time in the sweep before and still is: a clock that jumps costs
    nobody an upload at once (fault 41).

    Args: seen: what the sweep before returned. Returns: what to pass to the next.
    """
    expired = await expired_uploads(room)
    for upload in expired:
        if upload.id in seen:
            await _collect(room, upload)
    return frozenset(upload.id for upload in expired)


async def _collect(room: UploadRoom, upload: Upload) -> None:
    try:
        async with room.lock.hold(upload.id, on_release_requested=lambda: None):
            await room.threads.call(_drop_expired, room, upload.id)
    except TusdError:
        log.exception("upload.expire.failed", extra={"upload_id": upload.id})


def _drop_expired(room: UploadRoom, upload_id: UploadId) -> None:
    """Drop the upload unless it was finished, or bytes came, while the lock was waited for."""
    upload = room.catalog.upload(upload_id)
    if upload is None:
        return
    expires_at = room.expires_at(upload)
    if expires_at is not None and expires_at < room.clock.now():
        drop(room, upload, UploadState.EXPIRED, UploadExpired)
