"""Ends uploads ahead of their finish: by their owner, by a rule, by age."""

import logging
from typing import Final

from tusd_py.domain.commands import Conditions, Terminate
from tusd_py.domain.errors import PreconditionFailed, TusdError, UploadExpired, UploadTerminated
from tusd_py.domain.ids import UserId
from tusd_py.domain.task import TaskChange, TaskStatus
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.protocol.conditions import Verdict, evaluate
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.download import entity_tag

log = logging.getLogger(__name__)


async def terminate(context: UploadContext, user_id: UserId, command: Terminate) -> None:
    """Delete an upload, finished or not, and cancel its job if there is one.

    A stored object stays for the other references of the pool.

    Raises: UploadNotFound, UploadExpired, UploadTerminated, UploadLocked, PreconditionFailed.
    Source: tus 1.0.0, termination.
    """
    try:
        upload = await context.find(user_id, command.upload_id)
    except (UploadExpired, UploadTerminated):
        # It has no bytes any longer, and leaves the list of its owner too.
        await context.threads.call(
            context.catalog.uploads.close, command.upload_id, UploadState.TERMINATED
        )
        raise
    async with context.locked(upload.id):
        upload = await context.find(user_id, command.upload_id)
        if command.conditions != Conditions():
            tag = await context.threads.call(entity_tag, context, upload)
            if evaluate(command.conditions, tag, reads=False) is not Verdict.PERFORM:
                raise PreconditionFailed
        await context.threads.call(drop, context, upload, UploadState.TERMINATED, UploadTerminated)


def drop(
    context: UploadContext, upload: Upload, state: UploadState, reason: type[TusdError]
) -> None:
    """Close the upload for clients, remove its bytes, and fail its task with ``reason``. Blocks.

    The caller holds its lock. The row is closed first: after a crash in between the janitor finds
    the bytes of a closed upload.
    """
    if not context.catalog.uploads.close(upload.id, state):
        return
    context.running_hashes.drop(upload.id)
    context.stores.uploads.delete(upload.id)
    context.catalog.uploads.source_removed(upload.id)
    log.info("upload.closed", extra={"upload_id": upload.id, "state": state.value})
    context.publish(
        upload,
        upload.length or 0,
        TaskChange(
            status=TaskStatus.FAILED,
            progress=0,
            attempt=_LAST_ATTEMPT,
            error_code=reason.code,
            error_msg=reason.sentence,
        ),
    )


async def reject(context: UploadContext, upload: Upload, error: TusdError) -> None:
    """Drop an upload that breaks a rule, and count it. The caller holds its lock."""
    context.counts.refused[error.code] += 1
    await context.threads.call(drop, context, upload, UploadState.REJECTED, type(error))


_LAST_ATTEMPT: Final = 1 << 40
"""An attempt higher than any worker's, so that no event of a worker follows the end of a task."""
