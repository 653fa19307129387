"""A clock that stands still until the test moves it."""


class FakeClock:
    """Wall and monotonic time, moved together or apart."""

    def __init__(self, now: float = 1_770_000_000.0, monotonic: float = 1000.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back; the monotonic time stays."""
        self._now += seconds
