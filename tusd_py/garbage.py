"""Tunes the garbage collector for a process that makes most of its objects at its start."""

import gc
from typing import Final

THRESHOLDS: Final = (20_000, 20, 50)
"""Thresholds of the garbage collector: new objects, and passes of younger generations."""


def collect_rarely() -> None:
    """Make the passes of the collector rare.

    With Python's own thresholds they are a seventh of the time of all imports, and 5 % of the time
    of a small upload, whose objects are mostly freed without the collector.
    """
    gc.set_threshold(*THRESHOLDS)


def exclude_from_collection() -> None:
    """Exclude the objects that exist now from all passes of the collector."""
    gc.freeze()
