"""Uploads whose content their owner holds already (秒传): complete without their bytes.

Only hashes that this server computed itself make entries of the pool, and the scope that is looked
in is the owner's: nobody learns by it what others hold (decision 7). See ``possession`` for theirs.
"""

from collections.abc import Sequence
from dataclasses import replace

from tusd_py.domain.commands import Append
from tusd_py.domain.errors import HashConflict, LengthExceeded, OffsetMismatch
from tusd_py.domain.file import File
from tusd_py.domain.ids import UserId, owner_scope
from tusd_py.domain.type_rules import may_bear
from tusd_py.domain.upload import InstantPatch, Upload, UploadKind, UploadState
from tusd_py.uploads.body import Body, Interruption
from tusd_py.uploads.context import UploadRoom
from tusd_py.uploads.finish import completed
from tusd_py.uploads.programs import Steps, commit


async def claim(room: UploadRoom, upload: Upload) -> Upload | None:
    """Make a new upload that is born complete, if its owner holds what it declares; else None, and
    nothing was made."""
    if not _eligible(room, upload):
        return None
    return await room.lane.run(_claim(room, upload))


def _eligible(room: UploadRoom, upload: Upload) -> bool:
    return (
        room.policy.instant
        and upload.kind is UploadKind.REGULAR
        and upload.declared_hash is not None
        and bool(upload.length)
    )


def _claim(room: UploadRoom, upload: Upload) -> Steps[Upload | None]:
    if not _name_fits(room, upload):
        return None
    scope = owner_scope(upload.user_id)
    file = yield from commit(lambda: room.catalog.add_instant(upload, scope, room.policy.quota))
    if file is None:
        return None
    born = _finished(upload, file)
    yield from room.shown(born, born.size, completed(file))
    return born


def _finished(upload: Upload, file: File) -> Upload:
    return replace(
        upload,
        state=UploadState.FINISHED,
        file_hash=file.hash,
        file_identity=file.identity,
        instant=True,
    )


def _name_fits(room: UploadRoom, upload: Upload) -> bool:
    """Whether the content that is held may have the upload's name too, under a white list."""
    if not room.policy.allowed_extensions:
        return True
    held = room.catalog.file_by_hash(owner_scope(upload.user_id), upload.declared_hash or "")
    return held is None or may_bear(upload.filename, held)


def declare(room: UploadRoom, upload: Upload, declared_hash: str) -> Upload:
    """An upload on its way whose hash is told now: complete (``instant``) if its owner holds that,
    else bound to it. Blocks; the caller holds the lock.

    Raises: HashConflict: another one was declared before; UploadNotFound, UploadExpired,
        UploadTerminated.
    """
    if not room.catalog.declare_hash(upload.id, declared_hash):
        raise HashConflict
    upload = replace(upload, declared_hash=declared_hash)
    if not _eligible(room, upload) or not _name_fits(room, upload):
        return upload
    file = room.catalog.finish_instant(upload, owner_scope(upload.user_id))
    if file is None:
        return upload
    return spare(room, upload, file)


def spare(room: UploadRoom, upload: Upload, file: File) -> Upload:
    """What follows once the catalog has finished an upload without the rest of its bytes. Blocks.

    Returns: the upload as it is now.
    """
    upload = _finished(upload, file)
    room.show(upload, upload.size, completed(file))
    # The row says so: what a crash leaves of the bytes is found by the janitor.
    room.followers.drop(upload.id)
    room.stores.core.delete(upload.id)
    room.catalog.source_removed(upload.id)
    return upload


async def append_to_complete(room: UploadRoom, user_id: UserId, command: Append, body: Body) -> int:
    """What a PATCH of an upload that was complete without its bytes is told: an offset in bytes.

    Clients send from 0 although the creation told the length (measured: tus-js-client, Uppy, tuspy).
    Raises: OffsetMismatch, LengthExceeded; UploadNotFound, UploadTerminated.
    """
    upload = await room.find(user_id, command.upload_id)
    policy = upload.instant_patch(room.policy.instant_patch)
    if command.offset > upload.size or (
        policy is InstantPatch.REFUSE and command.offset != upload.size
    ):
        raise OffsetMismatch(current=upload.size, given=command.offset)
    if policy is not InstantPatch.COUNT:
        return upload.size
    taken = await discard(room, body)
    if command.offset + taken > upload.size:
        raise LengthExceeded(upload.size)
    return command.offset + taken


async def discard(room: UploadRoom, body: Body) -> int:
    """Read a body to its end and keep nothing of it. Returns: its bytes."""
    content = body.whole()
    if content is not None:
        return len(content)
    interruption = Interruption()
    with room.body_under_way(interruption):
        drained = await body.drain(
            _drop,
            limit=None,
            idle_timeout=room.policy.idle_timeout,
            min_rate=room.policy.min_rate,
            interruption=interruption,
        )
    return drained.taken


def _drop(_chunks: Sequence[bytes | memoryview]) -> None:
    """Nothing."""
