"""Maintains open uploads in the background.

Each upload is examined when something may be due, so that the work does not grow with their number.
The longer no byte arrives for an upload, the later it is examined again, at most an hour later, and
when it expires. The time of the last byte is that of its file (decision 1), so a body changes no
schedule: an examination that finds the upload younger than expected sets the time of the next one.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tusd_py.catalog.ports.uploads import LATEST_EXAMINATION_SECONDS
from tusd_py.domain.errors import BackendError, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.quota_reservation import QuotaReservation

log = logging.getLogger(__name__)

PAGE: Final = 500
"""Most uploads that are examined in one call."""
SOONEST_EXAMINATION_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 30.0
"""A body may still be arriving for an upload that was written to more recently."""
JOINED_PART_SECONDS: Final = 3600.0
"""How long a part stays when its whole is finished: a client may repeat the joining request."""
GIVE_BACK_SECONDS: Final = 600.0
"""No body is silent for this time: space ahead of the offset was left by a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Holds the uploads that a sweep found to be due."""

    complete: tuple[UploadId, ...]
    """Unfinished uploads that, or whose parts, may be complete: see ``recovery.recover_one``."""
    expired: tuple[UploadId, ...]
    """Uploads whose time is over: see ``expire.collect_expired``."""


async def maintain(context: UploadContext) -> Due:
    """Examine the uploads that are due.

    For uploads whose server died, it corrects the quota reservation and frees the space ahead of
    the offset.

    Raises: BackendError.
    """
    unsettled = frozenset(context.unsettled)
    complete, expired = list(unsettled), []
    while not context.closing:
        page = await context.threads.call(_examine_page, context)
        complete += [examined.upload.id for examined in page if examined.complete]
        expired += [examined.upload.id for examined in page if examined.expired]
        for examined in page:
            upload_id = examined.upload.id
            if examined.miscounted:
                await under_lock(context, upload_id, _recount, "upload.recount.failed")
            if examined.holds_space:
                await under_lock(context, upload_id, _give_back, "upload.give_back.failed")
        if len(page) < PAGE:
            break
    # Not earlier: an error of the catalog above must not lose them.
    context.unsettled.difference_update(unsettled)
    return Due(complete=tuple(complete), expired=tuple(expired))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Examination:
    upload: Upload
    again_at: float | None
    complete: bool = False
    expired: bool = False
    miscounted: bool = False
    holds_space: bool = False


def _examine_page(context: UploadContext) -> list[_Examination]:
    page = [_examine_safely(context, upload) for upload in context.catalog.uploads.due(PAGE)]
    context.catalog.uploads.examine_again(
        {examined.upload.id: examined.again_at for examined in page}
    )
    return page


def _examine_safely(context: UploadContext, upload: Upload) -> _Examination:
    """Examine an upload; after an error, set a later time so that others have their turn."""
    try:
        return _examine(context, upload)
    except BackendError:
        raise
    except Exception:
        log.exception("upload.look.failed", extra={"upload_id": upload.id})
        return _Examination(
            upload=upload, again_at=context.clock.now() + LATEST_EXAMINATION_SECONDS
        )


def _examine(context: UploadContext, upload: Upload) -> _Examination:
    receiving = upload.state is UploadState.RECEIVING
    if not receiving and not (
        upload.state is UploadState.FINISHED and upload.kind is UploadKind.PARTIAL
    ):
        return _Examination(upload=upload, again_at=None)
    now, touched = context.clock.now(), context.touched_at(upload)
    idle = now - touched
    complete = receiving and idle >= IDLE_SECONDS and _is_complete(context, upload)
    expires_at = context.expires_at(upload, touched)
    expired = not complete and expires_at is not None and expires_at < now
    expired = expired or is_used_up(context, upload)
    pause = min(max(idle, SOONEST_EXAMINATION_SECONDS), LATEST_EXAMINATION_SECONDS)
    if expired:
        pause = SOONEST_EXAMINATION_SECONDS
    elif expires_at is not None:
        pause = min(pause, max(expires_at - now, 1.0))
    return _Examination(
        upload=upload,
        again_at=now + pause,
        complete=complete,
        expired=expired,
        miscounted=idle >= max(IDLE_SECONDS, context.policy.idle_timeout)
        and _miscounted(context, upload),
        holds_space=receiving and idle >= GIVE_BACK_SECONDS and _holds_space(context, upload),
    )


def is_used_up(context: UploadContext, upload: Upload) -> bool:
    """Return whether it is a part whose whole has been finished for ``JOINED_PART_SECONDS``."""
    if upload.kind is not UploadKind.PARTIAL or upload.state is not UploadState.FINISHED:
        return False
    before = context.clock.now() - JOINED_PART_SECONDS
    return context.catalog.uploads.is_joined(upload, before=before)


def _is_complete(context: UploadContext, upload: Upload) -> bool:
    if upload.kind is UploadKind.FINAL:
        return True
    if not upload.completes_at_length:
        return False
    return upload.length is not None and _exists(context, upload) == upload.length


def _miscounted(context: UploadContext, upload: Upload) -> bool:
    reserves = context.policy.limit_of_reservation(upload) is not None
    return reserves and _exists(context, upload) != upload.granted


def _exists(context: UploadContext, upload: Upload) -> int | None:
    try:
        return context.stores.uploads.offset(upload.id)
    except UploadNotFound:
        log.info("upload.data.missing", extra={"upload_id": upload.id})
        return None


def _holds_space(context: UploadContext, upload: Upload) -> bool:
    try:
        return context.stores.uploads.preallocated(upload.id) > 0
    except UploadNotFound:
        return False


async def under_lock(
    context: UploadContext,
    upload_id: UploadId,
    work: Callable[[UploadContext, UploadId], None],
    failed: str,
) -> None:
    """Run blocking work under the upload's lock; an error is logged as ``failed``, not raised."""
    try:
        async with context.locked(upload_id):
            await context.threads.call(work, context, upload_id)
    except Exception:
        log.exception(failed, extra={"upload_id": upload_id})


def _give_back(context: UploadContext, upload_id: UploadId) -> None:
    """Free the space ahead of the offset of an upload whose server died within a body."""
    context.stores.uploads.release_preallocated(upload_id)


def _recount(context: UploadContext, upload_id: UploadId) -> None:
    """Set the quota reservation of an upload whose server died within a body to its offset."""
    upload = context.catalog.uploads.get(upload_id)
    if upload is None:
        return
    limit = context.policy.limit_of_reservation(upload)
    if limit is not None:
        reservation = QuotaReservation(context, upload, limit)
        reservation.settle(context.stores.uploads.offset(upload_id))
