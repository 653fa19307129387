"""Port of the shares: links by which receivers without an account get one file."""

from collections.abc import Sequence
from typing import Final, Protocol

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.ids import ShareId, UploadId, UserId
from tusd_py.domain.share import Admission, Receiver, Share

KEPT_SECONDS: Final = float(DAY_SECONDS)
"""Time for which an expired share is kept: a clock that jumps ahead removes none that is valid."""


class ShareRepository(Protocol):
    """Keeps shares, and counts the receivers that begin a download.

    A share is live until it expires, is revoked, or its upload is deleted. One without downloads
    left is live.
    """

    def add(self, share: Share, *, seconds: float, limit: int) -> Share:
        """Record a share of a stored file, and return it with its times.

        Args: seconds: how long it is valid from now on; limit: number of live shares that the
            upload may have.
        Raises: UploadUnfinished: the upload's file is not in the pool; TooManyShares. Nothing was
            recorded.
        """
        ...

    def get(self, share_id: ShareId) -> Share | None:
        """Return a live share."""
        ...

    def of_user(
        self, user_id: UserId, *, upload_id: UploadId | None, limit: int
    ) -> Sequence[Share]:
        """Return at most ``limit`` live shares of a user, newest first.

        Args: upload_id: only shares of this upload; None: of all.
        """
        ...

    def revoke(self, user_id: UserId, share_id: ShareId) -> bool:
        """End a share. Return False if the user has no live share with this id."""
        ...

    def may_continue(self, share_id: ShareId, receiver: Receiver, *, is_later_part: bool) -> bool:
        """Return whether a receiver has a download that it may continue (see ``admit``)."""
        ...

    def admit(self, share_id: ShareId, receiver: Receiver, *, is_later_part: bool) -> Admission:
        """Count the receiver, unless this request continues a download of it.

        Of requests at the same moment, at any servers, no more than are left are counted.

        Args: is_later_part: whether the requested part begins after the first byte. Only such a
            request can continue what a client without cookies has begun.
        """
        ...

    def all_sent(self, share_id: ShareId, receiver: Receiver) -> None:
        """Record that the last byte was sent to a client without cookies.

        It may then continue for ``GRACE_SECONDS`` only.
        """
        ...

    def remove_ended(self) -> None:
        """Remove shares that expired ``KEPT_SECONDS`` ago, and receivers that may not continue."""
        ...
