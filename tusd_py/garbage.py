"""Tunes the garbage collector for processes that make most of their objects at their start."""

import gc
from typing import Final

AT_START: Final = 200_000
"""Number of new objects at which the collector runs first; a server has 120,000 when it listens."""
THRESHOLDS: Final = (20_000, 20, 50)
"""Thresholds of the collector of a server: new objects, and passes of younger generations."""


def collect_rarely() -> None:
    """Let a process start without the collector, whose passes find nothing then."""
    gc.set_threshold(AT_START, *THRESHOLDS[1:])


def exclude_from_collection() -> None:
    """Exclude the objects that exist now from all passes, and make these less frequent.

    Objects of requests are mostly freed without the collector, whose passes were 5 % of the time of
    a small upload.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
