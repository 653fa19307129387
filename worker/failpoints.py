"""Places where a test may kill, stop or fail this process: ``TUSD_FAIL=point:action[:nth]``.

Actions: ``exit`` (like kill -9, without any clean-up), ``stop`` (SIGSTOP to itself), ``raise``.
Where the variable is not set, a failpoint costs one comparison.
"""

import os
import signal
import threading

_wanted, _, _rest = os.environ.get("TUSD_FAIL", "").partition(":")
_action, _, _nth = _rest.partition(":")
_left = int(_nth or 1)
_counting = threading.Lock()


class FailpointReached(Exception):
    """Raised by the failpoint that ``TUSD_FAIL`` names, for the action ``raise``."""


def failpoint(name: str) -> None:
    """Do the action of ``TUSD_FAIL`` if it names this point and this is the nth call."""
    global _left  # noqa: PLW0603  (one process, one failpoint)
    if name != _wanted:
        return
    with _counting:
        _left -= 1
        if _left != 0:
            return
    if _action == "exit":
        os._exit(137)
    if _action == "stop":
        # The signal goes to this thread: one to the process may be handled by another thread, after
        # one more transaction.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    if _action == "raise":
        raise FailpointReached(name)
