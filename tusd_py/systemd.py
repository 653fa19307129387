"""Notifies systemd of the state of a service (``Type=notify``), where systemd started it.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import logging
import os
import socket
import time
from typing import Final

log = logging.getLogger(__name__)

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"


def notify(state: str) -> None:
    """Send a state; do nothing where systemd did not start this process."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(state.encode(), address.replace("@", "\0", 1))
    except OSError as error:
        log.warning("systemd.not_notified", extra={"reason": str(error)})


def reloading() -> str:
    """Return the state of a service that reads its settings again; READY ends it."""
    return f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"


def watchdog_seconds() -> float | None:
    """Return the time within which systemd expects ``WATCHDOG`` from this process; None: never."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1e6 if microseconds.isdecimal() else None
