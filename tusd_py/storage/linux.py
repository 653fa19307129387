"""Finds system calls of Linux that Python lacks; each is None where the C library lacks it too.

Their errors are in ``ctypes.get_errno()``.
"""

import ctypes
from collections.abc import Callable
from typing import Final


def function(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; None: there is none of that name."""
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    return found


fallocate: Final = function("fallocate64") or function("fallocate")
sync_file_range: Final = function("sync_file_range")
statfs: Final = function("statfs")
