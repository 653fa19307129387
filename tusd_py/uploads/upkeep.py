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

from tusd_py.catalog.port import LATEST_LOOK_SECONDS
from tusd_py.domain.errors import BackendError, UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.quota_reservation import grant_of

log = logging.getLogger(__name__)

PAGE: Final = 500
"""Uploads looked at in one go."""
SOONEST_LOOK_SECONDS: Final = 60.0
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


async def look_after(room: UploadRoom) -> Due:
    """Look at the uploads that are due; for those whose server died, correct what is counted and free
    what they hold ahead.

    Raises: BackendError.
    """
    complete, expired = list(room.late), []
    room.late.clear()
    while not room.closing:
        looks = await room.threads.call(_look_at_page, room)
        complete += [look.upload.id for look in looks if look.complete]
        expired += [look.upload.id for look in looks if look.expired]
        for look in looks:
            if look.miscounted:
                await under_lock(room, look.upload.id, _recount, "upload.recount.failed")
            if look.holds_space:
                await under_lock(room, look.upload.id, _give_back, "upload.give_back.failed")
        if len(looks) < PAGE:
            break
    return Due(complete=tuple(complete), expired=tuple(expired))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    upload: Upload
    again_at: float | None
    complete: bool = False
    expired: bool = False
    miscounted: bool = False
    holds_space: bool = False


def _look_at_page(room: UploadRoom) -> list[_Look]:
    looks = [_look_safely(room, upload) for upload in room.catalog.due(PAGE)]
    room.catalog.look_again({look.upload.id: look.again_at for look in looks})
    return looks


def _look_safely(room: UploadRoom, upload: Upload) -> _Look:
    """Look later at an upload whose file can't be looked at: those behind it have their turn."""
    try:
        return _look(room, upload)
    except BackendError:
        raise
    except Exception:
        log.exception("upload.look.failed", extra={"upload_id": upload.id})
        return _Look(upload=upload, again_at=room.clock.now() + LATEST_LOOK_SECONDS)


def _look(room: UploadRoom, upload: Upload) -> _Look:
    receiving = upload.state is UploadState.RECEIVING
    if not receiving and not (
        upload.state is UploadState.FINISHED and upload.kind is UploadKind.PARTIAL
    ):
        return _Look(upload=upload, again_at=None)
    now, touched = room.clock.now(), room.touched_at(upload)
    idle = now - touched
    complete = receiving and idle >= IDLE_SECONDS and _is_complete(room, upload)
    expires_after = room.policy.expires_after
    expired = not complete and expires_after is not None and idle > expires_after
    pause = min(max(idle, SOONEST_LOOK_SECONDS), LATEST_LOOK_SECONDS)
    if expired:
        pause = SOONEST_LOOK_SECONDS
    elif expires_after is not None:
        pause = min(pause, max(expires_after - idle, 1.0))
    return _Look(
        upload=upload,
        again_at=now + pause,
        complete=complete,
        expired=expired,
        miscounted=idle >= max(IDLE_SECONDS, room.policy.idle_timeout)
        and _miscounted(room, upload),
        holds_space=receiving and idle >= GIVE_BACK_SECONDS and _holds_space(room, upload),
    )


def _is_complete(room: UploadRoom, upload: Upload) -> bool:
    if upload.kind is UploadKind.FINAL:
        return True
    return upload.length is not None and _there(room, upload) == upload.length


def _miscounted(room: UploadRoom, upload: Upload) -> bool:
    return grant_of(room, upload) is not None and _there(room, upload) != upload.granted


def _there(room: UploadRoom, upload: Upload) -> int | None:
    try:
        return room.stores.core.offset(upload.id)
    except UploadNotFound:
        log.info("upload.data.missing", extra={"upload_id": upload.id})
        return None


def _holds_space(room: UploadRoom, upload: Upload) -> bool:
    try:
        return room.stores.core.held_ahead(upload.id) > 0
    except UploadNotFound:
        return False


async def under_lock(
    room: UploadRoom,
    upload_id: UploadId,
    work: Callable[[UploadRoom, UploadId], None],
    failed: str,
) -> None:
    """Run what blocks under the upload's lock; an error is logged as ``failed``, not raised."""
    try:
        async with room.lock.hold(upload_id, on_release_requested=lambda: None):
            await room.threads.call(work, room, upload_id)
    except Exception:
        log.exception(failed, extra={"upload_id": upload_id})


def _give_back(room: UploadRoom, upload_id: UploadId) -> None:
    """Free the space ahead of an upload whose server died in the middle of a body."""
    room.stores.core.give_back(upload_id)


def _recount(room: UploadRoom, upload_id: UploadId) -> None:
    """Count what is there of an upload of deferred length whose body ended with its server."""
    upload = room.catalog.upload(upload_id)
    grant = None if upload is None else grant_of(room, upload)
    if grant is not None:
        grant.settle(room.stores.core.offset(upload_id))
