"""Calculates how many connections the limit of open files (RLIMIT_NOFILE) allows."""

import resource
from typing import Final

RAISE_TO: Final = 65536
"""Limit of open files that the server sets, more than ``MOST_CONNECTIONS`` need.

Some systems allow a billion, which costs memory of the kernel.
"""
MOST_CONNECTIONS: Final = 4096
PER_CONNECTION: Final = 4
"""Descriptors of an upload in progress: socket, its duplicate in a thread, file, and a spare."""
RESERVED: Final = 256
"""Descriptors for databases, pipes of workers, files that are read, and the log."""
MOST_BACKLOG: Final = 1024


def raise_limit() -> None:
    """Raise the soft limit of open files to ``RAISE_TO``, or to the hard limit if that is less.

    Raises: OSError, ValueError: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = RAISE_TO if hard == resource.RLIM_INFINITY else min(hard, RAISE_TO)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_allowed(wanted: int) -> int:
    """Return how many connections may be open.

    This is ``wanted``, or the number that the descriptors allow if that is less. 0 for ``wanted``
    means as many as the descriptors allow, up to ``MOST_CONNECTIONS``.
    """
    files = _files()
    allowed = max(1, (files - min(RESERVED, files // 4)) // PER_CONNECTION)
    return min(wanted or MOST_CONNECTIONS, allowed)


def backlog() -> int:
    """Return how many connections may wait to be accepted.

    A loop may accept all of them in one iteration, before it counts any.
    """
    return max(64, min(MOST_BACKLOG, _files() // 4))


def _files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return RAISE_TO if soft == resource.RLIM_INFINITY else soft
