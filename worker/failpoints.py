"""Places where a test may kill, stop or fail this process: ``TUSD_FAIL=point:action[:nth]``.

Actions: ``exit`` (as kill -9 would: nothing is cleaned up), ``stop`` (SIGSTOP to itself), ``raise``.
Costs one dictionary look-up where the variable is not set.
"""

import os
import signal
import threading

_wanted, _, _rest = os.environ.get("TUSD_FAIL", "").partition(":")
_action, _, _nth = _rest.partition(":")
_left = int(_nth or 1)
_counting = threading.Lock()


class FailpointReached(Exception):
    """Raised where ``TUSD_FAIL`` asks for it."""


def failpoint(name: str) -> None:
    """Do what ``TUSD_FAIL`` says if it names this point, at its nth passing."""
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
        # To this thread: a signal to the process may stop it a transaction later, in another thread.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    if _action == "raise":
        raise FailpointReached(name)
