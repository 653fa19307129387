"""Protects this process's memory, environment and descriptors from other processes of its user.

A program that a malicious file has taken over may run as this user. Without this protection it
could read the secrets of the settings in ``/proc/<pid>/environ``, or everything in
``/proc/<pid>/mem`` (proc(5), ptrace(2)).
"""

import ctypes
import logging
import os
from typing import Final

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE: Final = 4


def hide_from_other_processes() -> None:
    """Make root own this process's files in ``/proc``; refuse debuggers without CAP_SYS_PTRACE.

    It applies until the next exec, so children decide for themselves. Core dumps are off too.
    Source: PR_SET_DUMPABLE in prctl(2).
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("process.not_hidden", extra={"reason": os.strerror(ctypes.get_errno())})
