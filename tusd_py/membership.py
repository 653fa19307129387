"""Holds what a server process gets from the parent that started it (``serve --processes``)."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from tusd_py.channel import Channel
from tusd_py.siblings import Siblings


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """Connects a server process to its parent and to the listeners of the port."""

    siblings: Siblings
    parent: Channel
    slot: int
    """Place of this process among the servers, from 0; a replacement has the same."""
    listeners: Sequence[Sequence[socket.socket]]
    """Listening sockets of each slot. All processes have all of them: when one ends without a
    replacement, another process serves its listeners."""
    monitoring: socket.socket | None
    """Listening socket of ``monitoring_listen``, which all processes serve."""
    workers: int
    """Jobs at the same time in the worker process; 0: there is none."""
