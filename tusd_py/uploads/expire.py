"""Removes expired uploads."""

from collections.abc import Collection

from tusd_py.domain.errors import UploadExpired
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.terminate import drop
from tusd_py.uploads.upkeep import under_lock


async def collect_expired(room: UploadRoom, seen: Collection[UploadId]) -> None:
    """Remove uploads that were expired in the previous sweep and still are.

    Two sweeps are needed so that a clock that jumps removes no upload at once (fault 41).

    Args: seen: the uploads that the previous sweep (``upkeep.look_after``) found expired.
    """
    for upload_id in seen:
        await under_lock(room, upload_id, _drop_expired, "upload.expire.failed")


def _drop_expired(room: UploadRoom, upload_id: UploadId) -> None:
    """Drop the upload unless it finished or received bytes during the wait for the lock."""
    upload = room.catalog.upload(upload_id)
    if upload is None:
        return
    expires_at = room.expires_at(upload)
    if expires_at is not None and expires_at < room.clock.now():
        drop(room, upload, UploadState.EXPIRED, UploadExpired)
