"""Port of the counts: how much of each thing is open at one machine at the same time."""

from typing import Protocol


class Counts(Protocol):
    """Counts by key, exactly: what one process holds ends with that process.

    For any thread. No call waits for a network or a disk.
    """

    def acquire(self, key: str, limit: int) -> bool:
        """Count one more. Returns: False: there are ``limit``, and nothing was counted."""
        ...

    def release(self, key: str) -> None:
        """Count one less, which this process had counted."""
        ...

    def close(self) -> None:
        """Free all resources."""
        ...
