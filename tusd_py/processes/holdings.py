"""Holds what outlives a process of one port: the data directory, and the sockets."""

import socket
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tusd_py.locks.data_dir import exclusive
from tusd_py.monitoring.listening import listening
from tusd_py.private_files import make_private_directory
from tusd_py.processes.listeners import bind_listeners
from tusd_py.settings.model import Settings
from tusd_py.shared_file import forget_contents


class Holdings:
    """Opens what outlives a process, and closes it at the end of a ``with`` block."""

    def __init__(self, settings: Settings, count: int) -> None:
        """Hold nothing yet. Args: count: number of servers, each with listeners of its own."""
        self._settings = settings
        self._count = count
        self._stack = ExitStack()
        self.directory = Path()
        """Directory of the sockets and the memory that the processes share (``Siblings``)."""
        self.listeners: Sequence[Sequence[socket.socket]] = ()
        """Listeners of each place."""
        self.monitoring: socket.socket | None = None
        self.data_dir_lock: int | None = None
        """Descriptor that holds the data directory; None: other machines may share it (Redis)."""

    def __enter__(self) -> Self:
        """Open everything. Raises: BackendError, OSError: it is in use or not available."""
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Close everything."""
        self._stack.close()

    def _open(self, stack: ExitStack) -> None:
        settings = self._settings
        make_private_directory(settings.data_dir)
        if settings.redis.addr:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="tusd-py-"))
            self.directory = Path(made)
        else:
            self.data_dir_lock = stack.enter_context(exclusive(settings.data_dir))
            self.directory = settings.data_dir.absolute() / "processes"
            make_private_directory(self.directory)
            forget_contents(self.directory)
        self.listeners = bind_listeners(settings.host, settings.port, self._count)
        stack.callback(self.close_listeners)
        if settings.monitoring_listen:
            self.monitoring = stack.enter_context(listening(settings.monitoring_listen))

    def close_listeners(self) -> None:
        """Close the listeners, so that connections are refused once no process has them open."""
        for of_place in self.listeners:
            for listener in of_place:
                listener.close()
