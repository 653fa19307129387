"""Removes expired uploads."""

from collections.abc import Collection

from tusd_py.domain.errors import UploadExpired
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadState
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.maintain import is_used_up, under_lock
from tusd_py.uploads.terminate import drop


async def collect_expired(context: UploadContext, seen: Collection[UploadId]) -> None:
    """Remove uploads that were expired in the previous sweep and still are.

    Two sweeps are needed so that a clock that jumps removes no upload at once (fault 41).

    Args: seen: the uploads that the previous sweep (``maintain``) found expired.
    """
    for upload_id in seen:
        await under_lock(context, upload_id, _drop_expired, "upload.expire.failed")


def _drop_expired(context: UploadContext, upload_id: UploadId) -> None:
    """Drop the upload unless it finished or received bytes during the wait for the lock."""
    upload = context.catalog.uploads.get(upload_id)
    if upload is None:
        return
    if context.is_expired(upload) or is_used_up(context, upload):
        drop(context, upload, UploadState.EXPIRED, UploadExpired)
