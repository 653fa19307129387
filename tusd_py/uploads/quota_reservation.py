"""Room in its owner's quota for an upload of deferred length, taken in steps ahead of its bytes.

A transaction for each chunk would be too slow, so an upload is given more than it needs and returns
the rest at the end of its body. A server that dies in between leaves more counted than is there, never
less; the next body, or the sweep (``uploads.maintain``), corrects it.
"""

import logging
from typing import Final

from tusd_py.catalog.port import Catalog
from tusd_py.domain.errors import BackendError
from tusd_py.domain.upload import Upload
from tusd_py.uploads.context import UploadContext

log = logging.getLogger(__name__)

AHEAD_BYTES: Final = 64 << 20
"""Taken beyond what has arrived: a transaction of some milliseconds for each."""


class QuotaReservation:
    """What one upload may fill. All calls block; the caller holds the upload's lock."""

    def __init__(self, context: UploadContext, upload: Upload, limit: int) -> None:
        self.limit = limit
        """Bytes that the owner may have."""
        self.size = upload.granted
        """Bytes that the upload may hold."""
        self._context = context
        self._upload = upload

    def cover(self, end: int, *, ahead: int = AHEAD_BYTES, catalog: Catalog | None = None) -> int:
        """Return how far bytes may be kept, at most to ``end``. Raises: UploadNotFound: the upload was
        closed; BackendError."""
        if end > self.size:
            uploads = (catalog or self._context.catalog).uploads
            self.size = uploads.reserve_quota(self._upload, end=end, ahead=ahead, limit=self.limit)
        return min(end, self.size)

    def settle(self, size: int, catalog: Catalog | None = None) -> None:
        """Return what is beyond ``size``, the bytes that are there. What fails is left to the sweep."""
        if size == self.size:
            return
        try:
            (catalog or self._context.catalog).uploads.set_reserved(self._upload.id, size)
            self.size = size
        except BackendError:
            log.warning("upload.grant.not_settled", extra={"upload_id": self._upload.id})


def reservation_for(context: UploadContext, upload: Upload) -> QuotaReservation | None:
    """Return what bytes of the upload are counted by; None: they are by its length, or not at all."""
    quota = context.policy.quota
    if upload.length is not None or quota is None or quota.stored_bytes is None:
        return None
    return QuotaReservation(context, upload, quota.stored_bytes)
