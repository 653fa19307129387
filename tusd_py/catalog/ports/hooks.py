"""Port of the events for hooks."""

from collections.abc import Sequence
from typing import Protocol

from tusd_py.catalog.values import PendingEvent


class HookRepository(Protocol):
    """Keeps events for hooks; each is written in the transaction of the change that it reports."""

    def claim(self, limit: int, hold_seconds: float) -> Sequence[PendingEvent]:
        """Claim due events for ``hold_seconds``, of each upload only the oldest."""
        ...

    def delivered(self, event_id: str) -> None:
        """Remove an event that was delivered or given up. Idempotent."""
        ...

    def failed(self, event_id: str, after_seconds: float) -> None:
        """Postpone an event whose delivery failed, and with it the later events of its upload."""
        ...
