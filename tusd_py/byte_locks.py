"""Locks single bytes of a file between processes, by open file description locks.

The kernel never gives a byte to two descriptions, and frees it when the last process that has the
description open has died, in whatever way.
"""

import errno
import fcntl
import os
import struct
from typing import Final

TAKEN: Final = (errno.EAGAIN, errno.EACCES)
"""Numbers of the errors which say that another description holds the byte."""
_F_OFD_SETLK: Final = 37
_F_OFD_SETLKW: Final = 38
_FLOCK: Final = struct.Struct("hhqqi4x")
"""``struct flock``: type, whence, start, length, pid (0 for this kind of lock)."""


def set_byte_lock(descriptor: int, kind: int, place: int) -> None:
    """Lock or unlock one byte for this open file description, without waiting.

    Args: kind: ``fcntl.F_WRLCK`` or ``fcntl.F_UNLCK``; place: of the byte, zero-based.
    Raises: OSError: one of ``TAKEN``: another description holds it.
    """
    fcntl.fcntl(descriptor, _F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, place, 1, 0))


def try_byte_lock(descriptor: int, place: int) -> bool:
    """Lock one byte for this open file description. Return False if another one holds it.

    Raises: OSError: any other error.
    """
    try:
        set_byte_lock(descriptor, fcntl.F_WRLCK, place)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def wait_for_byte_lock(descriptor: int, place: int) -> None:
    """Lock one byte for this open file description; wait for as long as another one holds it.

    Raises: OSError.
    """
    fcntl.fcntl(descriptor, _F_OFD_SETLKW, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0))
