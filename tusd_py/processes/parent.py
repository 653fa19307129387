"""Runs the processes of one port: starts them, obeys signals, and ends them.

The parent has no event loop and no thread, and handles no request. It holds the data directory and
the listeners (``Holdings``), so that neither is lost when a process dies; ``Places`` replaces those
that die. SIGHUP replaces all: they read the settings and the program again. Address, data directory
and number of processes stay.
"""

import logging
import os
import secrets
import selectors
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

from tusd_py import systemd
from tusd_py.domain.errors import BackendError
from tusd_py.hidden_process import hide_from_other_processes
from tusd_py.machine_limits import usable_cores
from tusd_py.processes.holdings import Holdings
from tusd_py.processes.ordering import order_for
from tusd_py.processes.places import Places
from tusd_py.processes.process import LATE_SECONDS, Process
from tusd_py.processes.sources import Sources
from tusd_py.settings.model import MOST_PROCESSES, Settings
from tusd_py.settings.sources import SettingsError
from tusd_py.siblings import Siblings

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
SECRET_BYTES: Final = 32
"""Length of the secret of the processes (``Siblings``)."""


def has_parent(processes: int) -> bool:
    """Return whether a parent starts the server, for this value of ``processes``.

    With 0 it does on one core too: SIGHUP, which would end a process without a parent, must replace
    it on any machine.
    """
    return processes != 1 and sys.platform == "linux"


def number_of_servers(processes: int) -> int:
    """Return the number of server processes, for this value of ``processes``."""
    return processes or min(usable_cores(), MOST_PROCESSES)


class Parent:
    """Runs the processes of one set of settings."""

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        *,
        announce: Callable[[str], None],
    ) -> None:
        """Prepare; ``run`` starts the processes.

        Args: sources: of the settings, which each process reads by itself. announce: is called with
            each line of the startup banner.
        """
        self._settings = settings
        self._sources = sources
        self._announce = announce
        self._servers = number_of_servers(settings.processes)
        self._holdings = Holdings(settings, self._servers)
        self._selector = selectors.DefaultSelector()
        self._places = Places(
            self._start, self._selector, servers=self._servers, has_worker=bool(settings.workers)
        )
        self._signals: deque[int] = deque()
        self._stepped_at = time.monotonic()
        self._secret = secrets.token_bytes(SECRET_BYTES)
        self._must_reload = False
        self._refuses_connections = False
        self._watchdog = systemd.watchdog_seconds()
        self._notify_at = 0.0

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, and return the exit code.

        Raises: BackendError, OSError: the data directory, the address or a service can't be used;
            SettingsError: the processes can't use the settings.
        """
        hide_from_other_processes()
        # Also while the processes of a dead parent are awaited.
        signal.signal(signal.SIGHUP, lambda number, _frame: self._signals.append(number))
        places = self._places
        with ExitStack() as stack:
            stack.enter_context(self._holdings)
            stack.enter_context(self._caught_signals())
            stack.callback(places.kill_all)
            while not places.is_over:
                self._step()
        if places.refuses_settings:
            raise SettingsError(places.failure)
        if places.failure:
            raise BackendError(reason=places.failure)
        return 0

    @contextmanager
    def _caught_signals(self) -> Iterator[None]:
        """Collect signals in ``self._signals``; each of them, and a child's end, ends a wait."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(reader, selectors.EVENT_READ)
        before = {
            number: signal.signal(number, lambda number, _frame: self._signals.append(number))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        }
        wakes = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakes)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            os.close(reader)
            os.close(writer)

    def _step(self) -> None:
        """Wait for an event, TICK_SECONDS at most, and do all that is necessary then."""
        places = self._places
        ready = self._selector.select(TICK_SECONDS)
        now = time.monotonic()
        if now - self._stepped_at > LATE_SECONDS:
            # The machine was asleep, or this process was stopped.
            places.pass_over(now - self._stepped_at, now)
        self._stepped_at = now
        for key, _ in ready:
            if isinstance(key.data, Process):
                places.hear(key.data, now)
            else:
                os.read(key.fd, 4096)
        # Before the rest, since connections wait at the listener of a process that has ended.
        places.share_listeners(now)
        places.see_ends(now)
        while self._signals:
            self._obey(self._signals.popleft(), now)
        if places.is_ending:
            self._refuse_connections()
        else:
            self._reload_settings(now)
            places.start_missing(now)
            if places.replace_next(now):
                systemd.notify(systemd.READY)
            self._announce_once()
        places.share_listeners(now)
        places.kill_late(now)
        self._notify_watchdog(now)

    def _obey(self, number: int, now: float) -> None:
        if number == signal.SIGHUP:
            self._must_reload = True
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._refuse_connections()
            self._places.end_all(now)

    def _refuse_connections(self) -> None:
        """Close the listeners: connections are refused once no process has them open."""
        if not self._refuses_connections:
            self._refuses_connections = True
            self._holdings.close_listeners()
            systemd.notify(systemd.STOPPING)

    def _announce_once(self) -> None:
        if banner := self._places.note_ready():
            for line in banner:
                self._announce(line)
            systemd.notify(systemd.READY)

    def _notify_watchdog(self, now: float) -> None:
        alive = self._places.have_been_ready and self._places.is_any_accepting(now)
        if self._watchdog is not None and alive and now >= self._notify_at:
            systemd.notify(systemd.WATCHDOG)
            self._notify_at = now + self._watchdog / 3

    def _start(self, slot: int, used: frozenset[int]) -> Process:
        """Start the process of a slot, with a number that is not in ``used``. Raises: OSError."""
        siblings = Siblings(
            directory=self._holdings.directory,
            number=0,
            servers=self._servers,
            secret=self._secret,
        )
        siblings = replace(siblings, number=min(set(siblings.numbers) - used))
        order = order_for(slot, siblings, self._settings, self._sources, self._holdings)
        return Process.start(order, self._settings.shutdown_timeout)

    def _reload_settings(self, now: float) -> None:
        """Begin to replace all processes if SIGHUP has come, and the settings can be read.

        Before all have been ready, this waits: they may have read the settings as they were.
        """
        if not self._must_reload or not self._places.have_been_ready:
            return
        self._must_reload = False
        try:
            self._settings = self._sources.reload(self._settings)
        except Exception as error:
            # No error in a file of settings may end the processes that serve.
            known = isinstance(error, SettingsError)
            log.error("settings.not_reloaded", extra={"reason": str(error)}, exc_info=not known)
            return
        systemd.notify(systemd.reloading())
        self._places.replace_all(now)
