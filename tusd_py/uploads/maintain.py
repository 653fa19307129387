"""Open uploads looked after in the background: each when something may be due, so that the work does
not grow with their number.

The longer nothing comes for an upload, the later it is looked at again, at most an hour later, and
when it expires. The time of the last byte is that of its file (decision 1), so a body changes no
schedule: a look that finds the upload younger than expected sets the next one.
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
from tusd_py.uploads.quota_reservation import reservation_for

log = logging.getLogger(__name__)

PAGE: Final = 500
"""Uploads looked at in one go."""
SOONEST_EXAMINATION_SECONDS: Final = 60.0
IDLE_SECONDS: Final = 30.0
"""A body may still be under way for an upload that was written to more recently."""
GIVE_BACK_SECONDS: Final = 600.0
"""No body is silent for this time: what the upload holds ahead of its offset was left by a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a sweep found."""

    complete: tuple[UploadId, ...]
    """Seem to be complete, or to have their parts, and unfinished: see ``finish.recover_one``."""
    expired: tuple[UploadId, ...]
    """Are past their time: see ``expire.collect_expired``."""


async def maintain(context: UploadContext) -> Due:
    """Look at the uploads that are due; for those whose server died, correct what is counted and free
    what they hold ahead.

    Raises: BackendError.
    """
    complete, expired = list(context.unsettled), []
    context.unsettled.clear()
    while not context.closing:
        looks = await context.threads.call(_examine_page, context)
        complete += [look.upload.id for look in looks if look.complete]
        expired += [look.upload.id for look in looks if look.expired]
        for look in looks:
            if look.miscounted:
                await under_lock(context, look.upload.id, _recount, "upload.recount.failed")
            if look.holds_space:
                await under_lock(
                    context, look.upload.id, _give_back, "upload.release_preallocated.failed"
                )
        if len(looks) < PAGE:
            break
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
    looks = [_examine_safely(context, upload) for upload in context.catalog.uploads.due(PAGE)]
    context.catalog.uploads.examine_again({look.upload.id: look.again_at for look in looks})
    return looks


def _examine_safely(context: UploadContext, upload: Upload) -> _Examination:
    """Look later at an upload whose file can't be looked at: those behind it have their turn."""
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
    expires_after = context.policy.expires_after
    expired = not complete and expires_after is not None and idle > expires_after
    pause = min(max(idle, SOONEST_EXAMINATION_SECONDS), LATEST_EXAMINATION_SECONDS)
    if expired:
        pause = SOONEST_EXAMINATION_SECONDS
    elif expires_after is not None:
        pause = min(pause, max(expires_after - idle, 1.0))
    return _Examination(
        upload=upload,
        again_at=now + pause,
        complete=complete,
        expired=expired,
        miscounted=idle >= max(IDLE_SECONDS, context.policy.idle_timeout)
        and _miscounted(context, upload),
        holds_space=receiving and idle >= GIVE_BACK_SECONDS and _holds_space(context, upload),
    )


def _is_complete(context: UploadContext, upload: Upload) -> bool:
    if upload.kind is UploadKind.FINAL:
        return True
    return upload.length is not None and _exists(context, upload) == upload.length


def _miscounted(context: UploadContext, upload: Upload) -> bool:
    return (
        reservation_for(context, upload) is not None and _exists(context, upload) != upload.granted
    )


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
    """Run what blocks under the upload's lock; an error is logged as ``failed``, not raised."""
    try:
        async with context.locked(upload_id):
            await context.threads.call(work, context, upload_id)
    except Exception:
        log.exception(failed, extra={"upload_id": upload_id})


def _give_back(context: UploadContext, upload_id: UploadId) -> None:
    """Free the space ahead of an upload whose server died in the middle of a body."""
    context.stores.uploads.release_preallocated(upload_id)


def _recount(context: UploadContext, upload_id: UploadId) -> None:
    """Count what is there of an upload of deferred length whose body ended with its server."""
    upload = context.catalog.uploads.get(upload_id)
    grant = None if upload is None else reservation_for(context, upload)
    if grant is not None:
        grant.settle(context.stores.uploads.offset(upload_id))
