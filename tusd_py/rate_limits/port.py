"""What a meter must promise."""

from typing import Protocol


class RateLimiter(Protocol):
    """Keeps for each key how far ahead of its time it is; see ``domain.rate.charged``. From any thread."""

    blocks: bool
    """Whether a charge waits for the network: then it belongs into a thread."""

    def consume(self, key: str, *, cost: float, burst: float) -> float:
        """Charge in any case. Returns: seconds until it is paid; 0: it is."""
        ...

    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
        """Charge if nothing is owed then. Returns: seconds until it may be tried again; 0: charged."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...
