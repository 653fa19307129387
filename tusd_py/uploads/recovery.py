"""Finishes uploads that are complete but unfinished after a crash or an error at the last byte."""

import logging
from collections.abc import Sequence

from tusd_py.domain.errors import UploadLocked, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadKind
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import REFUSALS, complete_final, finish_received
from tusd_py.uploads.maintain import PAGE

log = logging.getLogger(__name__)


async def recover(context: UploadContext) -> int:
    """Finish every upload that is complete but unfinished (fault 7). It examines all open uploads.

    A crash, a database that was away at the last byte, or an interrupted re-reading left them so.

    Returns: number of uploads that were finished.
    Raises: BackendError.
    """
    finished = 0
    receiving = await context.threads.call(context.catalog.uploads.receiving)
    for start in range(0, len(receiving), PAGE):
        page = receiving[start : start + PAGE]
        for upload_id in await context.threads.call(_candidates, context, page):
            if context.closing:
                return finished
            finished += await recover_one(context, upload_id)
    return finished


def _candidates(context: UploadContext, page: Sequence[UploadId]) -> list[UploadId]:
    """Return those that may be complete, in their order."""
    known = context.catalog.uploads.get_all(page)
    return [found for found in page if found in known and _is_candidate(context, known[found])]


def _is_candidate(context: UploadContext, upload: Upload) -> bool:
    try:
        return upload.kind is UploadKind.FINAL or _has_all_bytes(context, upload)
    except Exception:  # noqa: BLE001  (it is raised again, and logged, by recover_one)
        return True


async def recover_one(context: UploadContext, upload_id: UploadId) -> bool:
    """Finish an upload if it is complete. Return whether it was finished now."""
    try:
        return await _recover_one(context, upload_id)
    except UploadLocked:
        # Several processes start at once, and another one is finishing it.
        log.info("upload.recover.locked", extra={"upload_id": upload_id})
    except UploadNotFound:
        log.info("upload.data.missing", extra={"upload_id": upload_id})
    except REFUSALS as error:
        log.info("upload.final.rejected", extra={"upload_id": upload_id, "code": error.code})
    except Exception:
        # An error of one upload must not stop the recovery of the others.
        log.exception("upload.recover.failed", extra={"upload_id": upload_id})
    return False


async def _recover_one(context: UploadContext, upload_id: UploadId) -> bool:
    upload, complete = await context.threads.call(_is_complete, context, upload_id)
    if upload is not None and upload.kind is UploadKind.FINAL:
        return await complete_final(context, upload_id)
    return complete and await finish_received(context, upload_id, sync=True)


def _is_complete(context: UploadContext, upload_id: UploadId) -> tuple[Upload | None, bool]:
    upload = context.catalog.uploads.get(upload_id)
    if upload is None or upload.kind is UploadKind.FINAL:
        return upload, False
    return upload, _has_all_bytes(context, upload)


def _has_all_bytes(context: UploadContext, upload: Upload) -> bool:
    if not upload.completes_at_length:
        # The client requests the offset and says again that the upload is complete.
        return False
    return upload.length is not None and context.stores.uploads.offset(upload.id) == upload.length
