"""Defines the hook events of uploads, with the names that tusd uses."""

from enum import StrEnum
from typing import Final


class HookEvent(StrEnum):
    """Names an event.

    ``pre-create`` may refuse an upload; the others are notifications, in this order.
    """

    PRE_CREATE = "pre-create"
    POST_CREATE = "post-create"
    POST_FINISH = "post-finish"
    """All bytes are durable."""
    POST_COMPLETE = "post-complete"
    """The file is in the pool."""
    POST_FAIL = "post-fail"
    """Processing has failed for good; a retry by an operator may still complete it."""


DELIVERED_EVENTS: Final = frozenset(HookEvent) - {HookEvent.PRE_CREATE}

FIRST_PAUSES_SECONDS: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
LAST_PAUSE_SECONDS: Final = 3600.0


def pause_after(failures: int) -> float:
    """Return the seconds until a delivery is retried, after this number of failures (from 1)."""
    known = failures <= len(FIRST_PAUSES_SECONDS)
    return FIRST_PAUSES_SECONDS[failures - 1] if known else LAST_PAUSE_SECONDS
