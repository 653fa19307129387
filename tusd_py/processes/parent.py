"""Starts the processes of one port, replaces those that die, and ends them.

Rule 1: the parent has no event loop and no thread, and handles no request. It holds the data
directory and the listeners, so that neither is lost when a process dies.
Rule 2: while a process does not accept, another one serves its listeners too, so that connections
do not wait for a replacement.
Rule 3: SIGHUP replaces one process after another. The new one serves before the old one ends, and
reads the settings and the program again. Address, data directory and number of processes stay.
Rule 4: a process that ends is started again, after a pause if it lived for a short time only, or if
the system could not start it. One that shows no sign of life is killed.
"""

import logging
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py import systemd
from tusd_py.domain.errors import BackendError
from tusd_py.hidden_process import hide_from_other_processes
from tusd_py.locks.data_dir import exclusive
from tusd_py.machine_limits import usable_cores
from tusd_py.monitoring.listening import listening
from tusd_py.private_files import make_private_directory
from tusd_py.processes.listeners import bind_listeners
from tusd_py.processes.order import SETTINGS_REFUSED, Order
from tusd_py.processes.process import LATE_SECONDS, Process
from tusd_py.processes.sources import Sources
from tusd_py.settings.identity import check_identity
from tusd_py.settings.model import MOST_PROCESSES, Settings
from tusd_py.settings.sources import SettingsError
from tusd_py.shared_file import forget_contents
from tusd_py.siblings import Siblings

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
STEADY_SECONDS: Final = 10.0
"""A process that lived for this time is replaced at once when it dies."""
FIRST_PAUSE_SECONDS: Final = 0.5
MOST_PAUSE_SECONDS: Final = 5.0
FIXED: Final = ("host", "port", "data_dir", "monitoring_listen", "processes")
"""Settings that only a start of the parent can change."""
GRACE_SECONDS: Final = 10.0
"""Time beyond ``shutdown_timeout`` after which a process that should end is killed."""


def has_parent(processes: int) -> bool:
    """Return whether a parent starts the server, for the setting.

    With 0 it does on one core too: SIGHUP, which would end a process without a parent, must replace
    it on any machine.
    """
    return processes != 1 and sys.platform == "linux"


def count_of(processes: int) -> int:
    """Return the number of server processes for the setting."""
    return processes or min(usable_cores(), MOST_PROCESSES)


@dataclass(slots=True)
class _Place:
    """Is the place of a process among the others, which its replacement takes."""

    current: Process | None = None
    following: Process | None = None
    """Replacement of the current process, which is not ready yet."""
    start_at: float = 0.0
    """Time from which a process is started if there is none."""
    early_deaths: int = 0


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
        self._count = count_of(settings.processes)
        self._places = [_Place() for _ in range(self._count + bool(settings.workers))]
        self._processes: list[Process] = []
        self._renewals: deque[int] = deque()
        self._renewing = False
        self._signals: deque[int] = deque()
        self._selector = selectors.DefaultSelector()
        self._stepped_at = time.monotonic()
        self._serves = False
        """Whether all processes have been ready."""
        self._ending = False
        self._failure = ""
        self._refuses_settings = False
        self._watchdog = systemd.watchdog_seconds()
        self._notify_at = 0.0
        self._directory = Path()
        self._listeners: Sequence[Sequence[socket.socket]] = ()
        self._monitoring: socket.socket | None = None
        self._held: int | None = None

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, and return the exit code.

        Raises: BackendError, OSError: the data directory, the address or a service can't be used;
            SettingsError: the processes can't use the settings.
        """
        hide_from_other_processes()
        with ExitStack() as stack:
            self._open(stack)
            stack.enter_context(self._caught_signals())
            stack.callback(self._kill_all)
            while self._processes or not self._ending:
                self._step()
        if self._refuses_settings:
            raise SettingsError(self._failure)
        if self._failure:
            raise BackendError(reason=self._failure)
        return 0

    def _open(self, stack: ExitStack) -> None:
        settings = self._settings
        make_private_directory(settings.data_dir)
        if settings.redis.addr:
            # Other machines may share the data directory.
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="tusd-py-"))
            self._directory = Path(made)
        else:
            self._held = stack.enter_context(exclusive(settings.data_dir))
            self._directory = settings.data_dir.absolute() / "processes"
            make_private_directory(self._directory)
            forget_contents(self._directory)
        self._listeners = bind_listeners(settings.host, settings.port, self._count)
        stack.callback(self._close_listeners)
        if settings.monitoring_listen:
            self._monitoring = stack.enter_context(listening(settings.monitoring_listen))

    def _close_listeners(self) -> None:
        for of_place in self._listeners:
            for listener in of_place:
                listener.close()

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
        ready = self._selector.select(TICK_SECONDS)
        now = time.monotonic()
        if now - self._stepped_at > LATE_SECONDS:
            # The machine was asleep, or this process was stopped: it could hear none of them.
            for process in self._processes:
                process.heard_at = now
        self._stepped_at = now
        for key, _ in ready:
            if isinstance(key.data, Process):
                self._hear(key.data, now)
            else:
                os.read(key.fd, 4096)
        # First of all, since connections wait at the listener of a process that has ended.
        self._share_listeners(now)
        for process in list(self._processes):
            self._see_end(process, now)
        while self._signals:
            self._obey(self._signals.popleft(), now)
        if not self._ending:
            self._start_missing(now)
            self._renew(now)
            self._announce_once()
        self._share_listeners(now)
        self._kill_late(now)
        self._notify_watchdog(now)

    def _hear(self, process: Process, now: float) -> None:
        if not process.hear(now):
            with suppress(KeyError):
                self._selector.unregister(process.channel)
        if process.is_stopping:
            process.expect_end(self._latest_end(now))

    def _notify_watchdog(self, now: float) -> None:
        alive = any(process.accepts(now) for process in self._processes)
        if self._watchdog is not None and self._serves and alive and now >= self._notify_at:
            systemd.notify(systemd.WATCHDOG)
            self._notify_at = now + self._watchdog / 3

    def _obey(self, number: int, now: float) -> None:
        if number == signal.SIGHUP:
            self._reload_settings()
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._end_all(now, again=self._ending)

    # -- starting and ending

    def _start(self, slot: int) -> Process:
        used = {process.order.number for process in self._processes}
        siblings = Siblings(directory=self._directory, number=0, servers=self._count)
        is_worker = slot == self._count
        flags = {
            **self._sources.flags,
            "host": self._settings.host,
            "port": self._settings.port,
            "data_dir": str(self._settings.data_dir.absolute()),
            "worker_listen": "",
            "monitoring_listen": self._settings.monitoring_listen,
            "workers": self._settings.workers if is_worker else 0,
        }
        config = self._sources.config
        process = Process.start(
            Order(
                config=None if config is None else str(config),
                flags=flags,
                directory=str(self._directory),
                number=min(set(siblings.numbers) - used),
                servers=self._count,
                slot=slot,
                listeners=[]
                if is_worker
                else [[one.fileno() for one in of_place] for of_place in self._listeners],
                monitoring=None
                if is_worker or self._monitoring is None
                else self._monitoring.fileno(),
                held=self._held,
                workers=self._settings.workers,
            )
        )
        self._processes.append(process)
        self._selector.register(process.channel, selectors.EVENT_READ, process)
        return process

    def _try_to_start(self, slot: int) -> Process | None:
        """Start a process. Return None if the system has too little memory, or the like.

        Raises: OSError: the same, when the parent starts.
        """
        try:
            return self._start(slot)
        except OSError as error:
            if not self._serves:
                raise
            log.error("process.not_started", extra={"slot": slot, "reason": str(error)})
            return None

    def _start_missing(self, now: float) -> None:
        for slot, place in enumerate(self._places):
            if place.current is None and place.following is None and place.start_at <= now:
                place.current = self._try_to_start(slot)
                if place.current is None:
                    place.start_at = now + MOST_PAUSE_SECONDS

    def _see_end(self, process: Process, now: float) -> None:
        """Forget a process that has ended; start another one later if it should not have ended."""
        code = process.exit_code()
        if code is None:
            return
        self._hear(process, now)
        self._processes.remove(process)
        with suppress(KeyError):
            self._selector.unregister(process.channel)
        process.channel.close()
        self._forget(process.order.siblings)
        place = self._places[process.order.slot]
        if place.following is process:
            place.following = None
            self._end_renewals(process.failure, process.facts)
        if place.current is not process:
            return
        place.current = None
        if self._ending:
            return
        if not self._serves:
            self._refuses_settings = code == SETTINGS_REFUSED
            self._failure = process.failure or f"a server process ended with {code}; see the log"
            self._end_all(now)
            return
        steady = now - process.started_at > STEADY_SECONDS
        place.early_deaths = 0 if steady else place.early_deaths + 1
        pause = 0.0 if steady else FIRST_PAUSE_SECONDS * 2 ** (place.early_deaths - 1)
        place.start_at = now + min(pause, MOST_PAUSE_SECONDS)
        log.error(
            "process.ended",
            extra={**process.facts, "exit_code": code, "reason": process.failure},
        )

    def _forget(self, siblings: Siblings) -> None:
        """Take back what an ended process has left in the memory that the others share."""
        from tusd_py.wiring import forget_process

        try:
            forget_process(siblings)
        except OSError:
            log.warning("process.not_forgotten", exc_info=True)

    def _end_all(self, now: float, *, again: bool = False) -> None:
        """Request the end of all processes; ``again``: at once, without waiting for requests."""
        if not self._ending:
            systemd.notify(systemd.STOPPING)
        self._ending = True
        # Connections are refused once no process has the listeners open.
        self._close_listeners()
        for process in self._processes:
            self._end(process, now, signal.SIGINT if again else signal.SIGTERM)

    def _end(self, process: Process, now: float, number: signal.Signals = signal.SIGTERM) -> None:
        process.end(number, by=self._latest_end(now))

    def _latest_end(self, now: float) -> float:
        """Return the time at which a process is killed that is requested to end now."""
        return now + self._settings.shutdown_timeout + GRACE_SECONDS

    def _kill_late(self, now: float) -> None:
        for process in self._processes:
            overdue = process.ends_by is not None and now > process.ends_by
            if (overdue or process.is_silent(now)) and not process.is_killed:
                log.error("process.killed", extra=process.facts)
                process.kill()

    def _kill_all(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    # -- replacing

    def _reload_settings(self) -> None:
        """Begin to replace all processes, if the settings can be read."""
        if not self._serves or self._ending:
            return
        try:
            self._settings = self._reloaded()
        except SettingsError as error:
            log.error("settings.not_reloaded", extra={"reason": str(error)})
            return
        systemd.notify(systemd.reloading())
        self._renewals = deque(range(len(self._places)))
        self._renewing = True

    def _reloaded(self) -> Settings:
        """Return the new settings, with the old ones in the place of those that stay.

        Raises: SettingsError: no process could use them.
        """
        settings, before = self._sources.load(), self._settings
        fixed = {name: getattr(before, name) for name in FIXED}
        if bool(settings.workers) != bool(before.workers):
            fixed["workers"] = before.workers
        changed = [name for name, value in fixed.items() if getattr(settings, name) != value]
        if changed:
            log.warning("settings.need_restart", extra={"settings": ", ".join(changed)})
        merged = settings.model_copy(update=fixed)
        check_identity(merged)
        return merged

    def _renew(self, now: float) -> None:
        """Replace the next process, once the one before it has ended."""
        for place in self._places:
            following = place.following
            if following is not None and following.is_ready:
                if place.current is not None:
                    self._end(place.current, now)
                place.current, place.following = following, None
        if any(place.following for place in self._places) or any(
            process.ends_by is not None for process in self._processes
        ):
            return
        if self._renewals:
            slot = self._renewals.popleft()
            self._places[slot].following = self._try_to_start(slot)
            if self._places[slot].following is None:
                self._end_renewals("it could not be started", {"slot": slot})
        elif self._renewing:
            self._renewing = False
            systemd.notify(systemd.READY)

    def _end_renewals(self, reason: str, facts: Mapping[str, object]) -> None:
        """Leave the other processes as they are, since a replacement has failed."""
        self._renewals.clear()
        if not self._ending:
            log.error("process.not_replaced", extra={**facts, "reason": reason})

    # -- serving

    def _announce_once(self) -> None:
        current = [place.current for place in self._places]
        if self._serves or not all(process and process.is_ready for process in current):
            return
        self._serves = True
        for line in next(process.banner for process in self._processes if process.banner):
            self._announce(line)
        systemd.notify(systemd.READY)

    def _share_listeners(self, now: float) -> None:
        """Let each process serve the listeners of those before it that do not accept."""
        accepting = [
            slot
            for slot, place in enumerate(self._places[: self._count])
            if place.current is not None and place.current.accepts(now)
        ]
        extra: dict[int, list[int]] = {slot: [] for slot in accepting}
        for slot in range(self._count):
            if accepting and slot not in extra:
                extra[min(accepting, key=lambda other: (other - slot) % self._count)].append(slot)
        for slot, slots in extra.items():
            process = self._places[slot].current
            if process is not None:
                process.serve(slots)
