"""Collecting uploads that nothing came for."""

import logging
from collections.abc import Collection

from tusd_py.domain.errors import TusdError, UploadExpired
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState
from tusd_py.uploads.room import UploadRoom
from tusd_py.uploads.terminate import drop

log = logging.getLogger(__name__)


async def collect_expired(room: UploadRoom, seen: Collection[UploadId]) -> None:
    """Remove what was past its time in the sweep before and still is: a clock that jumps costs
    nobody an upload at once (fault 41).

    Args: seen: what the sweep before (``upkeep.look_after``) found past its time.
    """
    for upload_id in seen:
        await _collect(room, upload_id)


async def _collect(room: UploadRoom, upload_id: UploadId) -> None:
    try:
        async with room.lock.hold(upload_id, on_release_requested=lambda: None):
            await room.threads.call(_drop_expired, room, upload_id)
    except TusdError:
        log.exception("upload.expire.failed", extra={"upload_id": upload_id})


def _drop_expired(room: UploadRoom, upload_id: UploadId) -> None:
    """Drop the upload unless it was finished, or bytes came, while the lock was waited for."""
    upload = room.catalog.upload(upload_id)
    if upload is None:
        return
    expires_at = room.expires_at(upload)
    if expires_at is not None and expires_at < room.clock.now():
        drop(room, upload, UploadState.EXPIRED, UploadExpired)
