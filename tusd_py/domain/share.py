"""Defines shares: links by which receivers without an account get one finished file.

A receiver counts once, however often a download breaks off and continues: what is counted is who
gets the file, not the requests.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.ids import ShareId, UploadId, UserId

CONTINUE_SECONDS: Final = float(DAY_SECONDS)
"""Time after a receiver's last request in which the same download may continue."""
GRACE_SECONDS: Final = 60.0
"""Time after the last byte in which a client without cookies may continue.

It is known only by its address and program, which others may have too; the last bytes may still be
lost on their way.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Holds a row of ``shares``; times are unix seconds (UTC), which the catalog sets."""

    id: ShareId
    user_id: UserId
    upload_id: UploadId
    created_at: float = 0.0
    expires_at: float = 0.0
    downloads: int | None
    """Number of downloads after which the link ends; None: no limit."""
    downloaded: int = 0
    """Number of receivers that have begun a download."""
    password_hash: str = ""
    """The password as ``auth.share_passwords`` keeps it; '': none is needed."""
    filename: str = ""
    """Name of the upload, which the catalog keeps with the upload."""

    @property
    def left(self) -> int | None:
        """Return the number of downloads that are left; None: no limit."""
        return None if self.downloads is None else max(0, self.downloads - self.downloaded)

    @property
    def is_used_up(self) -> bool:
        """Return whether no receiver may begin another download."""
        return self.left == 0


@dataclass(frozen=True, slots=True)
class Receiver:
    """Identifies a receiver of one share, by keyed hashes."""

    key: str
    """Of a random cookie."""
    client: str
    """Of address and program, by which a client without cookies may continue; '' for others."""


class Admission(Enum):
    """Names what became of a receiver's request for the bytes of a share."""

    BEGUN = "begun"
    """It was counted."""
    CONTINUED = "continued"
    """It belongs to a download that was counted before."""
    USED_UP = "used up"
    ENDED = "ended"
