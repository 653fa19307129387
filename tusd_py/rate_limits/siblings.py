"""Limits rates for all processes of one port, in memory that they share."""

import struct
from pathlib import Path
from typing import Final

from typing_extensions import override

from tusd_py.clock import Clock
from tusd_py.domain.rate import charged
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.shared_table import Bucket, SharedTable

BUCKETS: Final = 4096
"""With 32 rows in each: 131,072 keys, and 3 MiB."""
_PAID_UNTIL: Final = struct.Struct("d")


class SiblingRateLimiter(RateLimiter):
    """Keeps rates in a file of ``directory``, by the clock that all processes of a machine share.

    When a bucket of keys is full, the key that owes least is dropped.
    """

    blocks = False

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Open the file. Raises: OSError."""
        self._clock = clock
        self._table = SharedTable(directory / "rates", buckets=BUCKETS, row_bytes=_PAID_UNTIL.size)

    @override
    def consume(self, key: str, *, cost: float, burst: float) -> float:
        return self._take(key, cost, burst, strict=False)

    @override
    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
        return self._take(key, cost, burst, strict=True)

    def _take(self, key: str, cost: float, burst: float, *, strict: bool) -> float:
        with self._table.locked(key) as bucket:
            row = bucket.find()
            paid_until = float("-inf") if row is None else _read(bucket, row)
            until, wait = charged(paid_until, self._clock.monotonic(), cost=cost, burst=burst)
            if not (strict and wait):
                if row is None:
                    row = bucket.free()
                    if row is None:
                        row = min(bucket.rows(), key=lambda place: _read(bucket, place))
                    bucket.take(row)
                _PAID_UNTIL.pack_into(bucket.memory, row, until)
            return wait

    @override
    def close(self) -> None:
        self._table.close()


def _read(bucket: Bucket, row: int) -> float:
    paid_until: float = _PAID_UNTIL.unpack_from(bucket.memory, row)[0]
    return paid_until
