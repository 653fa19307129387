"""Reserves quota for uploads of deferred length ahead of their bytes.

A transaction for each chunk would be too slow, so an upload reserves more than it needs and returns
the rest at the end of its body. If the server dies in between, more is counted than arrived, never
less; the next body, or the sweep (``uploads.maintain``), corrects it.
"""

import logging
from typing import Final

from tusd_py.catalog.port import Repositories
from tusd_py.domain.errors import BackendError
from tusd_py.domain.upload import Upload
from tusd_py.uploads.context import UploadContext

log = logging.getLogger(__name__)

AHEAD_BYTES: Final = 64 << 20
"""Bytes that one transaction, of some milliseconds, reserves beyond those that have arrived."""


class QuotaReservation:
    """Holds the reservation of one upload. All calls block; the caller holds the upload's lock."""

    def __init__(self, context: UploadContext, upload: Upload, limit: int) -> None:
        self.limit = limit
        """Bytes that the owner may have."""
        self.size = upload.granted
        """Bytes that the upload may hold."""
        self._context = context
        self._upload = upload

    def cover(
        self, end: int, *, ahead: int = AHEAD_BYTES, catalog: Repositories | None = None
    ) -> int:
        """Reserve quota up to the offset ``end``. Return the offset up to which bytes may be kept.

        Raises: UploadNotFound: the upload was closed; BackendError.
        """
        if end > self.size:
            uploads = (catalog or self._context.catalog).uploads
            self.size = uploads.reserve_quota(self._upload, end=end, ahead=ahead, limit=self.limit)
        return min(end, self.size)

    def settle(self, size: int, catalog: Repositories | None = None) -> None:
        """Set the reservation to ``size``, the bytes that are stored.

        After an error of the database the sweep does it.
        """
        if size == self.size:
            return
        try:
            (catalog or self._context.catalog).uploads.set_reserved(self._upload.id, size)
            self.size = size
        except BackendError as error:
            log.warning(
                "upload.grant.not_settled",
                extra={"upload_id": self._upload.id, "reason": error.reason},
            )
