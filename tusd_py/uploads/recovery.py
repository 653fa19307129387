"""Finishes uploads that are complete but unfinished after a crash or an error at the last byte."""

import logging

from tusd_py.domain.errors import UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadKind
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import REFUSALS, complete_final, finish_received

log = logging.getLogger(__name__)


async def recover(context: UploadContext) -> int:
    """Finish every upload that is complete but unfinished (fault 7). It examines all open uploads.

    A crash, a database that was away at the last byte, or an interrupted re-reading left them so.

    Returns: number of uploads that were finished.
    """
    finished = 0
    for upload_id in await context.threads.call(context.catalog.uploads.receiving):
        if context.closing:
            break
        finished += await recover_one(context, upload_id)
    return finished


async def recover_one(context: UploadContext, upload_id: UploadId) -> bool:
    """Finish an upload if it is complete. Return whether it was finished now."""
    try:
        return await _recover_one(context, upload_id)
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
    if upload is None or upload.kind is UploadKind.FINAL or upload.length is None:
        return upload, False
    return upload, context.stores.uploads.offset(upload_id) == upload.length
