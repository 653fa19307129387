"""Keep other processes of the same user away from this one's memory, environment and descriptors.

A program that a file has taken over may run as this user: without this it reads the secrets of the
settings in ``/proc/<pid>/environ``, or anything in ``/proc/<pid>/mem`` (proc(5), ptrace(2)).
"""

import ctypes
import logging
import os
from typing import Final

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4


def hide_from_other_processes() -> None:
    """Make this process's files in ``/proc`` root's, and refuse debuggers without CAP_SYS_PTRACE.

    It holds until the next exec, so children decide for themselves. There are no core dumps either.
    Source: PR_SET_DUMPABLE in prctl(2).
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("process.not_hidden", extra={"reason": os.strerror(ctypes.get_errno())})
