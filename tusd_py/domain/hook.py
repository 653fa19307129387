"""Defines the hook events of uploads, with the names that tusd uses."""

from enum import StrEnum
from typing import Final

from tusd_py.backoff import Backoff


class HookEvent(StrEnum):
    """Names an event.

    ``pre-create`` may refuse an upload; the others are notifications, of each upload in
    this order.
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

DELIVERY_BACKOFF: Final = Backoff((1.0, 5.0, 30.0, 120.0, 600.0, 3600.0))
"""Seconds until a delivery is retried."""
