"""Makes ids of uploads."""

import os
from collections.abc import Iterator
from typing import Final

from tusd_py.domain.ids import UploadId

_IDS_AT_ONCE: Final = 64
"""Ids that one system call makes: during each call, another thread may take the interpreter."""


class _RandomIds:
    """Makes ids; for one thread at a time."""

    def __init__(self) -> None:
        self._ready: Iterator[str] = iter(())

    def next(self) -> str:
        for one in self._ready:
            return one
        digits = os.urandom(16 * _IDS_AT_ONCE).hex()
        self._ready = iter([digits[at : at + 32] for at in range(0, len(digits), 32)])
        return self.next()

    def forget(self) -> None:
        self._ready = iter(())


_random_ids: Final = _RandomIds()
# Two processes must not have the same ids ready.
os.register_at_fork(after_in_child=_random_ids.forget)


def new_upload_id() -> UploadId:
    """Return a new id. Only the event loop calls it."""
    return UploadId(_random_ids.next())
