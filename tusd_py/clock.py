"""The clock, as a value that can be passed in: the only place that reads the system's time."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> float:
        """Unix seconds (UTC); may jump. For records and expiry."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never jumps. For time-outs and leases held here."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """See ``Clock.now``."""
        return time.time()  # noqa: TID251  (this is the clock)

    def monotonic(self) -> float:
        """See ``Clock.monotonic``."""
        return time.monotonic()


def rfc3339(unix_seconds: float) -> str:
    """``2026-02-03T10:00:00Z``: RFC 3339 in UTC, whole seconds (requirement S4)."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
