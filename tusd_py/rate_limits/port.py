"""Port of the rate limits."""

from typing import Protocol


class RateLimiter(Protocol):
    """Keeps for each key how far ahead of its time it is (``domain.rate.charged``).

    For any thread.
    """

    blocks: bool
    """Whether a charge waits for the network, and must then run in a thread."""

    def consume(self, key: str, *, cost: float, burst: float) -> float:
        """Charge in any case. Return the seconds until it is paid; 0: it is paid.

        A negative cost gives back what was charged.
        """
        ...

    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
        """Charge if nothing is owed then.

        Return the seconds until a new try can succeed; 0: charged.
        """
        ...

    def close(self) -> None:
        """Close connections."""
        ...
