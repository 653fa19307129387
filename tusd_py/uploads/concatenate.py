"""Plans final uploads from their parts, and assembles them once the last part is finished."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import Final

from tusd_py.domain.errors import (
    InvalidConcatenation,
    MaxSizeExceeded,
    PartialNotFinished,
    PartRemoved,
    ShuttingDown,
    StorageDamaged,
    TooManyParts,
)
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload, UploadKind, UploadState
from tusd_py.protocol.fields import MAX_NUMBER
from tusd_py.storage.port import Concatenation
from tusd_py.uploads.context import UploadContext

_ALIVE: Final = (UploadState.RECEIVING, UploadState.FINISHED)
SLICE_BYTES: Final = 64 << 20
"""Bytes that are copied before the next final upload takes its turn."""


async def plan_final(context: UploadContext, upload: Upload) -> Upload:
    """Return a final upload with its length; its length is None while that of a part is unknown.

    A part that is named several times counts each time: the specification allows it, and its bytes
    are written each time.

    Raises: TooManyParts; InvalidConcatenation: a part does not exist, belongs to another user or is
        no partial upload; PartialNotFinished: the store can't wait for parts; MaxSizeExceeded: the
        parts whose lengths are known are too large already.
    Source: tus 1.0.0, concatenation and concatenation-unfinished.
    """
    if len(upload.parts) > context.policy.max_parts:
        raise TooManyParts(context.policy.max_parts)
    parts = await context.threads.call(_parts, context, upload)
    if len(parts) < len(upload.parts) or any(not _usable(part, upload.user_id) for part in parts):
        raise InvalidConcatenation("Upload-Concat names something that is no partial upload.")
    concatenation = context.stores.concatenation
    if concatenation is None and any(part.state is UploadState.RECEIVING for part in parts):
        raise PartialNotFinished
    known = sum(part.length or 0 for part in parts)
    _check_size(context, known)
    return replace(upload, length=None if any(part.length is None for part in parts) else known)


async def assemble(context: UploadContext, upload: Upload) -> Upload | None:
    """Fill a final upload with the bytes of its parts, and make them durable. Idempotent.

    The caller holds the final upload's lock. The final uploads of one user are copied one after
    another, those of several users in turn.

    Returns: the upload with its length; None if a part is unfinished.
    Raises: MaxSizeExceeded, QuotaExceeded, PartRemoved: it can never be assembled;
        StorageFull: before a byte is copied, unless the disk becomes full meanwhile;
        UploadNotFound: a part was removed meanwhile; StorageDamaged, ShuttingDown.
    """
    whole = await context.threads.call(_admitted, context, upload)
    if whole is None or context.stores.concatenation is None:
        return None
    async with context.copying(upload.user_id):
        with closing(_copied(context.stores.concatenation, whole)) as slices:
            while await context.threads.copy(lambda: next(slices, False)):
                if context.closing:
                    raise ShuttingDown
    return whole


def _admitted(context: UploadContext, upload: Upload) -> Upload | None:
    """Check a final upload against every limit, and return it with its length.

    Returns: None if a part is unfinished.
    Raises: PartRemoved: a part is not there any longer, or was closed.
    """
    parts = _parts(context, upload)
    if len(parts) < len(upload.parts) or any(part.state not in _ALIVE for part in parts):
        raise PartRemoved
    if any(part.state is not UploadState.FINISHED for part in parts):
        return None
    length = sum(part.size for part in parts)
    _check_size(context, length)
    if upload.length is None:
        context.catalog.uploads.declare_length(upload, length, context.policy.quota)
    whole = replace(upload, length=length)
    context.check_disk(whole)
    return whole


def _copied(store: Concatenation, upload: Upload) -> Generator[bool, None, None]:
    """Copy the parts, and yield True after each slice.

    Raises: StorageDamaged: the parts do not have the length of the upload.
    """
    copied = reported = 0
    with closing(store.concatenate(upload.id, upload.parts)) as counts:
        for count in counts:
            copied += count
            if copied - reported >= SLICE_BYTES:
                reported = copied
                yield True
    if copied != upload.length:
        raise StorageDamaged


def _check_size(context: UploadContext, length: int) -> None:
    limit = MAX_NUMBER if context.policy.max_size is None else context.policy.max_size
    if length > limit:
        raise MaxSizeExceeded(limit)


def _parts(context: UploadContext, upload: Upload) -> list[Upload]:
    """Return the parts that exist, in order, as often as they are named. Blocks."""
    known = context.catalog.uploads.get_all(set(upload.parts))
    return [known[part] for part in upload.parts if part in known]


def _usable(part: Upload, user_id: UserId) -> bool:
    is_part = part.user_id == user_id and part.kind is UploadKind.PARTIAL
    return is_part and part.state in _ALIVE
