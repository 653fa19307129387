"""Defines the clock as a value that can be passed: only this module reads the system's time."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Returns the time."""

    def now(self) -> float:
        """Return unix seconds (UTC), for records and expiry. They may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since any start, for timeouts and own leases. They never jump."""
        ...


class SystemClock(Clock):
    """Reads the machine's clock."""

    now = staticmethod(time.time)  # noqa: TID251  (this is the clock)
    monotonic = staticmethod(time.monotonic)


def rfc3339(unix_seconds: float) -> str:
    """Return ``2026-02-03T10:00:00Z``: RFC 3339 in UTC, whole seconds (requirement S4)."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
