"""Completes uploads without their bytes if their owner has the content already (秒传).

Only hashes that this server computed itself make entries of the pool, and only the owner's scope is
searched, so an upload does not show what other owners have (decision 7). See ``ownership_proof``
for files of other owners.
"""

from collections.abc import Sequence
from dataclasses import replace

from tusd_py.domain.commands import Append
from tusd_py.domain.errors import HashConflict, LengthExceeded, OffsetMismatch
from tusd_py.domain.file import File
from tusd_py.domain.ids import UserId, owner_scope
from tusd_py.domain.type_rules import fits_name
from tusd_py.domain.upload import InstantPatch, Upload, UploadKind, UploadState
from tusd_py.uploads.body import Body, CancelToken
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import instant_completion
from tusd_py.uploads.programs import Program, commit


async def create_complete(context: UploadContext, upload: Upload) -> Upload | None:
    """Record a new upload as finished if its owner has the content that it declares.

    Returns: the upload; None if nothing was recorded.
    """
    if not _eligible(context, upload):
        return None
    return await context.batcher.run(_create_complete_program(context, upload))


def _eligible(context: UploadContext, upload: Upload) -> bool:
    return (
        context.policy.instant
        and upload.kind is UploadKind.REGULAR
        and upload.declared_hash is not None
        and bool(upload.length)
    )


def _create_complete_program(context: UploadContext, upload: Upload) -> Program[Upload | None]:
    if not _name_fits(context, upload):
        return None
    scope = owner_scope(upload.user_id)
    file = yield from commit(
        lambda catalog: catalog.uploads.add_instant(upload, scope, context.policy.quota)
    )
    if file is None:
        return None
    finished = _finished(upload, file)
    yield from context.task_program(finished, finished.size, instant_completion(file))
    return finished


def _finished(upload: Upload, file: File) -> Upload:
    return replace(
        upload,
        state=UploadState.FINISHED,
        file_hash=file.hash,
        file_identity=file.identity,
        instant=True,
    )


def _name_fits(context: UploadContext, upload: Upload) -> bool:
    """Return whether the content in the pool may have the upload's name, under a white list."""
    if not context.policy.allowed_extensions:
        return True
    held = context.catalog.objects.file_by_hash(
        owner_scope(upload.user_id), upload.declared_hash or ""
    )
    return held is None or fits_name(upload.filename, held)


def declare_hash(context: UploadContext, upload: Upload, declared_hash: str) -> Upload:
    """Set the hash of an open upload, and complete it if its owner has that content. Blocks.

    The caller holds the lock.

    Returns: the upload as it is now; ``instant`` if it was completed.
    Raises: HashConflict: another one was declared before; UploadNotFound, UploadExpired,
        UploadTerminated.
    """
    if not context.catalog.uploads.declare_hash(upload.id, declared_hash):
        raise HashConflict
    upload = replace(upload, declared_hash=declared_hash)
    if not _eligible(context, upload) or not _name_fits(context, upload):
        return upload
    file = context.catalog.uploads.finish_instant(upload, owner_scope(upload.user_id))
    if file is None:
        return upload
    return complete_without_bytes(context, upload, file)


def complete_without_bytes(context: UploadContext, upload: Upload, file: File) -> Upload:
    """Publish an upload that the catalog has finished as instant, and remove its bytes. Blocks.

    Returns: the upload as it is now.
    """
    upload = _finished(upload, file)
    context.publish(upload, upload.size, instant_completion(file))
    # The row is finished already, so the janitor finds the bytes after a crash.
    context.running_hashes.drop(upload.id)
    context.stores.uploads.delete(upload.id)
    context.catalog.uploads.source_removed(upload.id)
    return upload


async def append_to_complete(
    context: UploadContext, user_id: UserId, command: Append, body: Body
) -> int:
    """Return the offset in bytes that answers a PATCH of an instant upload.

    Clients send from 0 although the answer to the creation had the length as offset (measured:
    tus-js-client, Uppy, tuspy).

    Raises: OffsetMismatch, LengthExceeded; UploadNotFound, UploadTerminated.
    """
    upload = await context.find(user_id, command.upload_id)
    policy = upload.instant_patch(context.policy.instant_patch)
    if command.offset > upload.size or (
        policy is InstantPatch.REFUSE and command.offset != upload.size
    ):
        raise OffsetMismatch(current=upload.size, given=command.offset)
    if policy is not InstantPatch.COUNT:
        return upload.size
    taken = await discard(context, body)
    if command.offset + taken > upload.size:
        raise LengthExceeded(upload.size)
    return command.offset + taken


async def discard(context: UploadContext, body: Body) -> int:
    """Read a body to its end, discard it, and return the number of its bytes."""
    content = body.whole()
    if content is not None:
        return len(content)
    cancel = CancelToken()
    with context.cancelled_at_shutdown(cancel):
        drained = await body.drain(
            _drop,
            limit=None,
            idle_timeout=context.policy.idle_timeout,
            min_rate=context.policy.min_rate,
            cancel=cancel,
        )
    return drained.received


def _drop(_chunks: Sequence[bytes | memoryview]) -> None:
    """Discard the bytes."""
