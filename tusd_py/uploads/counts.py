"""Counts upload events of this process, once per request, not per chunk."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class UploadCounters:
    """Holds totals since the process began.

    Only the event loop changes them; any thread may read them.
    """

    created: int = 0
    finished: int = 0
    """Uploads that are complete, hashed and in the catalog, parts of a concatenation included."""
    instant: int = 0
    """Uploads that were completed without a transfer of their bytes."""
    instant_bytes: int = 0
    """Bytes that clients did not have to send because of instant uploads."""
    received_bytes: int = 0
    """Bytes of bodies that reached the store, including bytes that were discarded later."""
    takeovers: int = 0
    """Bodies that were interrupted because a newer request needed the upload."""
    refused: Counter[str] = field(default_factory=Counter)
    """Uploads whose content did not match its declaration, by error code."""
