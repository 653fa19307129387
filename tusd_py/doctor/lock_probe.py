"""Try a lock from another process: ``python -m tusd_py.doctor.lock_probe FILE``.

``disk_facts`` starts it.
Exit codes: 0: it has the lock; 1: the lock was refused; 2: there are no such locks here.
"""

import errno
import fcntl
import os
import sys

from tusd_py.byte_locks import set_byte_lock


def try_lock(path: str) -> int:
    """Try to lock the first byte of a file and return the exit code."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        set_byte_lock(descriptor, fcntl.F_WRLCK, 0)
    except OSError as error:
        return 1 if error.errno in (errno.EAGAIN, errno.EACCES) else 2
    finally:
        os.close(descriptor)
    return 0


if __name__ == "__main__":
    sys.exit(try_lock(sys.argv[1]))
