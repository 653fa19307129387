"""Limits rates for all processes of one port, in memory that they share."""

import struct
from typing import Final

from typing_extensions import override

from tusd_py.clock import Clock
from tusd_py.domain.rate import charged
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.shared_table import Bucket, SharedTable
from tusd_py.siblings import Siblings

BUCKETS: Final = 4096
"""With 32 rows in each: 131,072 keys, and 4 MiB."""
_ROW: Final = struct.Struct("dd")
"""Seconds of the clock: until when is paid, and when nothing is owed any more."""


class SiblingRateLimiter(RateLimiter):
    """Keeps rates in a file of the processes, by the clock that all processes of a machine share.

    When a bucket of keys is full, the key whose debt ends first is dropped.
    """

    blocks = False

    def __init__(self, siblings: Siblings, clock: Clock) -> None:
        """Open the file. Raises: OSError."""
        self._clock = clock
        self._table = SharedTable(
            siblings.directory / "rates",
            secret=siblings.secret,
            buckets=BUCKETS,
            row_bytes=_ROW.size,
        )

    @override
    def consume(self, key: str, *, cost: float, burst: float) -> float:
        return self._take(key, cost, burst, strict=False)

    @override
    def try_acquire(self, key: str, *, cost: float, burst: float) -> float:
        return self._take(key, cost, burst, strict=True)

    def _take(self, key: str, cost: float, burst: float, *, strict: bool) -> float:
        with self._table.locked(key) as bucket:
            row = bucket.find()
            paid_until = float("-inf") if row is None else _read(bucket, row)[0]
            until, wait = charged(paid_until, self._clock.monotonic(), cost=cost, burst=burst)
            if not (strict and wait):
                if row is None:
                    row = bucket.free()
                    if row is None:
                        row = min(bucket.rows(), key=lambda place: _read(bucket, place)[1])
                    bucket.take(row)
                _ROW.pack_into(bucket.memory, row, until, until + burst)
            return wait

    @override
    def close(self) -> None:
        self._table.close()


def _read(bucket: Bucket, row: int) -> tuple[float, float]:
    paid_until, ends_at = _ROW.unpack_from(bucket.memory, row)
    return paid_until, ends_at
