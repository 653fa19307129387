"""Creates an upload once, however often a client repeats the creation.

A client whose request was answered, but not to it, can't know what was created. It names the
creation by a key of its own, and sends it again with that key.
"""

import hashlib

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Create, Inspect
from tusd_py.domain.errors import LengthConflict, UploadLocked
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.uploads.body import Body
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.create import Created, create
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.programs import read


async def create_once(
    context: UploadContext, caller: Caller, key: str, command: Create, body: Body
) -> Created:
    """Create an upload, or return the one that the caller created by the same key before.

    An upload whose id the application chose is not found again.

    Raises: UploadLocked: the creation that is repeated has not ended; LengthConflict: it had
        another length; UploadTerminated, UploadExpired: what it created is gone; what ``create``
        raises.
    """
    upload_id = _id_of(caller.user_id, key)
    if upload_id in context.creating:
        raise UploadLocked
    context.creating.add(upload_id)
    try:
        known = await context.batcher.run(read(lambda catalog: catalog.uploads.get(upload_id)))
        if known is None:
            return await create(context, caller, upload_id, command, body)
    finally:
        context.creating.discard(upload_id)
    found = await inspect(context, caller.user_id, Inspect(upload_id=upload_id))
    if found.upload.length != command.length:
        raise LengthConflict
    return Created(upload=found.upload, offset=found.offset, expires_at=found.expires_at)


def _id_of(user_id: UserId, key: str) -> UploadId:
    """Return the id, which no other user can have, nor foresee without the key."""
    return UploadId(hashlib.sha256(f"creation {user_id} {key}".encode()).hexdigest()[:32])
