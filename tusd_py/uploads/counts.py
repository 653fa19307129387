"""What happened to uploads in this process, counted once per request, not per chunk."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class UploadCounts:
    """Totals since the process began. Counted on the event loop alone; any thread may read them."""

    created: int = 0
    finished: int = 0
    """Complete, hashed and in the catalog; parts of a concatenation too."""
    instant: int = 0
    """Complete without their bytes."""
    instant_bytes: int = 0
    """What these spared being sent."""
    received_bytes: int = 0
    """Bytes of bodies that reached the store, also those that did not stay."""
    taken_over: int = 0
    """Bodies that were let go of because a newer request wanted the upload."""
    refused: Counter[str] = field(default_factory=Counter)
    """Content that was not what it was said to be, by error code."""
