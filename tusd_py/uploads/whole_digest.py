"""Verifies or computes the SHA-256 of a full upload, for clients that declare it or want it.

Its bytes are read once more for that: it is no running hash, since few clients need it.
"""

from typing import Final

from tusd_py.domain.errors import HashMismatch, ShuttingDown
from tusd_py.domain.upload import Upload
from tusd_py.storage import checksums
from tusd_py.storage.checksums import ChunkDigest
from tusd_py.uploads.context import UploadContext

SLICE_BYTES: Final = 256 << 20
"""Bytes that are read before other long work takes its turn."""


async def settle_sha256(context: UploadContext, upload: Upload) -> None:
    """Check the SHA-256 that was declared for a full upload, or record the one that is wanted.

    It does nothing for an upload that has neither. The caller holds the lock.

    Raises: HashMismatch: it is not what was declared; ShuttingDown, UploadNotFound, StorageDamaged.
    """
    if not upload.needs_sha256:
        return
    digest = checksums.new("sha256")
    for start in range(0, upload.size, SLICE_BYTES):
        if context.closing:
            raise ShuttingDown
        end = min(start + SLICE_BYTES, upload.size)
        await context.threads.long(_add, context, upload, digest, start, end)
    found = digest.digest().hex()
    if upload.sha256 is None:
        await context.threads.call(context.catalog.uploads.keep_sha256, upload.id, found)
    elif upload.sha256 != found:
        raise HashMismatch


def _add(context: UploadContext, upload: Upload, digest: ChunkDigest, start: int, end: int) -> None:
    with context.stores.uploads.reader(upload.id) as reader:
        checksums.add_range(digest, reader, start, end)
