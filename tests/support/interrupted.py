"""What interrupts a page's sending: a server that is killed, or stands still, in the middle of a file."""

import random
import signal
from pathlib import Path

from support.files import bytes_in
from support.metrics import metrics
from support.page import Visit
from support.server import Server
from support.waiting import wait_until

SIZE = 24 << 20
"""Bytes of the file that is interrupted."""
SLOW = {"TUSD_LIMITS__BYTES_PER_SECOND": "8MiB", "TUSD_MEDIA__PRESET": "ultrafast"}
"""Settings with which such a file takes long enough."""
SLOW_UP_TO_RESTART = {**SLOW, "TUSD_LIMITS__BYTES_PER_SECOND": "2MiB"}
"""The same for what is restarted: that comes before the end on a slow machine too."""
_SOME = 4 << 20


def arrived(server: Server) -> int:
    """Return the number of bytes of uploads that a server has on its disk."""
    return bytes_in(server.data_dir / "uploads")


def wait_for_some(server: Server) -> None:
    """Wait until a part of a file has arrived."""
    wait_until(lambda: arrived(server) > _SOME, timeout=60)


def restarted_in_the_middle(server: Server, visit: Visit) -> int:
    """Kill a server at the visit's next ``line``, start it at the one after that, and go on.

    It is fast after that.

    Returns: the number of bytes that had arrived.
    """
    visit.wait_for_line()
    wait_for_some(server)
    server.kill()
    visit.go_on()
    visit.wait_for_line()
    before = arrived(server)
    assert _SOME < before < SIZE
    server.env["TUSD_LIMITS__BYTES_PER_SECOND"] = "64MiB"
    server.start()
    visit.go_on()
    return before


def random_file(path: Path, size: int) -> Path:
    """Write random bytes, the same for each size."""
    path.write_bytes(random.Random(size).randbytes(size))
    return path


def received(server: Server) -> float:
    """Return the number of bytes that bodies brought."""
    return metrics(server.url)["tusd_received_bytes_total"]


def stand_still(server: Server, visit: Visit) -> None:
    """Stop the server at a visit's ``line``, and let it go on at the next one."""
    server.signal_all(signal.SIGSTOP)
    visit.go_on()
    visit.wait_for_line()
    server.signal_all(signal.SIGCONT)
    visit.go_on()
