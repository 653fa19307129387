"""Re-reads bytes of uploads whose hash this process has not computed, as after a restart."""

import logging
import math
import time
from typing import Final

from tusd_py.domain.errors import ShuttingDown, TusdError
from tusd_py.domain.upload import Upload
from tusd_py.uploads.context import UploadContext

log = logging.getLogger(__name__)

REHASH_IN_CALL_BYTES: Final = 8 << 20
"""Most bytes that are re-read by one of the threads which all calls share."""
REHASH_SLICE_SECONDS: Final = 0.25
"""Length of the slices in which more is re-read, in another thread, in turn with other uploads."""
REHASH_EARLY_BYTES: Final = 8 << 20
"""A hash that is further behind is computed while the rest of the upload still arrives."""


def start_rehash(context: UploadContext, upload: Upload) -> None:
    """Start re-reading what this process has not hashed, while the rest still arrives."""
    context.background.start("rehash", _rehash_and_log(context, upload))


async def _rehash_and_log(context: UploadContext, upload: Upload) -> None:
    try:
        await rehash_in_slices(context, upload)
    except TusdError:
        # The finish continues, and raises the error if it comes again.
        log.info("upload.hash.catch_up.stopped", extra={"upload_id": upload.id})


async def rehash_in_slices(context: UploadContext, upload: Upload) -> None:
    """Re-read the upload until its hash is complete. Raises: what ``rehash`` raises."""
    while await context.threads.long(rehash, context, upload, REHASH_SLICE_SECONDS):
        pass


def rehash(context: UploadContext, upload: Upload, seconds: float = math.inf) -> bool:
    """Re-read the upload until its hash is complete. Blocks.

    Returns: whether ``seconds`` were over before.
    Raises: ShuttingDown: the server is stopping; UploadNotFound, StorageDamaged.
    """
    running_hash = context.running_hash(upload)
    before, until = running_hash.reread_bytes, time.monotonic() + seconds

    def stopped() -> bool:
        return context.closing or (running_hash.reread_bytes > before and time.monotonic() > until)

    try:
        complete = running_hash.catch_up(lambda: context.stores.uploads.offset(upload.id), stopped)
    finally:
        context.running_hashes.caught_up(running_hash.reread_bytes - before)
    if not complete and (context.closing or running_hash.reread_bytes == before):
        raise ShuttingDown
    return not complete
