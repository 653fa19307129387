"""Counts for all processes of one port, in memory that they share.

Rule 1: the row of a key has a number for each process, so that the counts of a process that died
can be taken back: ``forget_counts``.
Rule 2: the sum of a row is compared with the limit, and the own number changed, under one lock.
"""

import struct
from typing import Final

from typing_extensions import override

from tusd_py.counts.port import Counts
from tusd_py.shared_table import Bucket, SharedTable
from tusd_py.siblings import Siblings

BUCKETS: Final = 2048
"""With 32 rows in each: 65,536 keys, many times the connections of a machine."""
_NUMBER: Final = struct.Struct("I")


class SiblingCounts(Counts):
    """Implements ``counts.port.Counts`` among the processes of one directory.

    A key whose bucket is full is not counted: with 4,096 connections, each from another address and
    for another user, this happens in one of 10^15 cases.
    """

    def __init__(self, siblings: Siblings) -> None:
        """Open the file. Raises: OSError."""
        self._table = _open(siblings)
        self._row = _row_format(siblings)
        self._own = siblings.number * _NUMBER.size

    @override
    def acquire(self, key: str, limit: int) -> bool:
        with self._table.locked(key) as bucket:
            row = bucket.find()
            if row is None:
                row = bucket.free()
                if limit < 1 or row is None:
                    return limit >= 1
                bucket.take(row)
            elif sum(self._row.unpack_from(bucket.memory, row)) >= limit:
                return False
            place = row + self._own
            _NUMBER.pack_into(bucket.memory, place, _number(bucket, place) + 1)
            return True

    @override
    def release(self, key: str) -> None:
        with self._table.locked(key) as bucket:
            row = bucket.find()
            if row is not None:
                place = row + self._own
                _NUMBER.pack_into(bucket.memory, place, max(0, _number(bucket, place) - 1))
                self._release_unused(bucket, row)

    def _release_unused(self, bucket: Bucket, row: int) -> None:
        if not any(self._row.unpack_from(bucket.memory, row)):
            bucket.release(row)

    def forget(self) -> None:
        """Take back what this number has counted: its process has died."""
        for bucket in self._table.buckets():
            for row in bucket.rows():
                if bucket.is_used(row):
                    _NUMBER.pack_into(bucket.memory, row + self._own, 0)
                    self._release_unused(bucket, row)

    @override
    def close(self) -> None:
        self._table.close()


def _open(siblings: Siblings) -> SharedTable:
    row_bytes = _row_format(siblings).size
    return SharedTable(
        siblings.directory / "counts",
        secret=siblings.secret,
        buckets=BUCKETS,
        row_bytes=row_bytes,
    )


def _row_format(siblings: Siblings) -> struct.Struct:
    return struct.Struct(f"{len(siblings.numbers)}I")


def _number(bucket: Bucket, place: int) -> int:
    number: int = _NUMBER.unpack_from(bucket.memory, place)[0]
    return number
