"""Keeps a process in each place: starts what is missing, replaces what died, ends what should end.

Rule 1: while a process does not accept, another one serves its listeners too, so that connections
do not wait for a replacement.
Rule 2: a process that ends is started again, after a pause if it lived for a short time only, or if
the system could not start it. One that shows no sign of life is killed.
Rule 3: processes are replaced one after another. The new one serves before the old one ends.
Rule 4: if one of them ends before all have been ready, all end: the settings are wrong, or a
service can't be reached.
"""

import logging
import selectors
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tusd_py.backoff import Backoff
from tusd_py.processes.order import SETTINGS_REFUSED
from tusd_py.processes.process import Process
from tusd_py.siblings import Siblings
from tusd_py.wiring import forget_process

log = logging.getLogger(__name__)

STEADY_SECONDS: Final = 10.0
"""A process that lived for this time is replaced at once when it dies."""
MOST_PAUSE_SECONDS: Final = 5.0
PAUSES: Final = Backoff.doubling(0.5, MOST_PAUSE_SECONDS)

Start = Callable[[int, frozenset[int]], Process]
"""Starts the process of a slot, with a number that is none of those given. Raises: OSError."""


@dataclass(slots=True)
class _Place:
    """Is the place of a process among the others, which its replacement takes.

    The slot of a place is its number.
    """

    current: Process | None = None
    following: Process | None = None
    """Replacement of the current process, which is not ready yet."""
    start_at: float = 0.0
    """Time from which a process is started if there is none."""
    early_deaths: int = 0


class Places:
    """Keeps the processes of one port, of which the last one may be the worker.

    Times are those of the monotonic clock, in seconds.
    """

    def __init__(
        self, start: Start, selector: selectors.BaseSelector, *, servers: int, has_worker: bool
    ) -> None:
        """Start nothing yet.

        Args: start: is called for each process. selector: gets the channels, with the process as
            their data. servers: number of server processes. has_worker: whether a worker process is
            in the place behind them.
        """
        self._start = start
        self._selector = selector
        self._servers = servers
        self._places = [_Place() for _ in range(servers + has_worker)]
        self._processes: list[Process] = []
        self._to_replace: deque[int] = deque()
        self._is_replacing = False
        self.have_been_ready = False
        """Whether all processes have been ready."""
        self.is_ending = False
        self.failure = ""
        """Why the processes could not start, in a sentence."""
        self.refuses_settings = False
        """Whether the settings are the cause of the failure."""

    @property
    def is_over(self) -> bool:
        """Return whether all have ended, as they should."""
        return self.is_ending and not self._processes

    def hear(self, process: Process, now: float) -> None:
        """Read what a process has sent."""
        is_open = process.hear(now)
        if not is_open:
            with suppress(KeyError):
                self._selector.unregister(process.channel)
        if process.is_stopping or not is_open:
            process.expect_end(now)

    def pass_over(self, seconds: float, now: float) -> None:
        """Count a time for no process: the parent did not run, and could not hear them."""
        for process in self._processes:
            process.heard_at = now
            if process.ends_by is not None:
                process.ends_by += seconds

    def is_any_accepting(self, now: float) -> bool:
        """Return whether a process accepts connections."""
        return any(process.accepts(now) for process in self._processes)

    def see_ends(self, now: float) -> None:
        """Note which processes have ended."""
        for process in list(self._processes):
            code = process.exit_code()
            if code is not None:
                self._see_end(process, code, now)

    def _see_end(self, process: Process, code: int, now: float) -> None:
        """Forget a process that has ended; start another one later if it should not have ended."""
        self.hear(process, now)
        self._processes.remove(process)
        with suppress(KeyError):
            self._selector.unregister(process.channel)
        process.channel.close()
        _take_back(process.order.siblings)
        place = self._places[process.order.slot]
        if place.following is process:
            place.following = None
            self._stop_replacing(process.failure, {**process.facts, "exit_code": code})
        if place.current is not process:
            return
        place.current = None
        if self.is_ending:
            return
        if not self.have_been_ready:
            self.refuses_settings = code == SETTINGS_REFUSED
            self.failure = process.failure or f"a server process ended with {code}; see the log"
            self.end_all(now)
            return
        is_steady = now - process.started_at > STEADY_SECONDS
        place.early_deaths = 0 if is_steady else place.early_deaths + 1
        place.start_at = now if is_steady else now + PAUSES.pause(place.early_deaths)
        log.error(
            "process.ended",
            extra={**process.facts, "exit_code": code, "reason": process.failure},
        )

    def start_missing(self, now: float) -> None:
        """Start a process in each place that has none.

        Raises: OSError: the system can't, and not all have been ready yet.
        """
        for slot, place in enumerate(self._places):
            if place.current is None and place.following is None and place.start_at <= now:
                place.current = self._try_to_start(slot)
                if place.current is None:
                    place.start_at = now + MOST_PAUSE_SECONDS

    def _try_to_start(self, slot: int) -> Process | None:
        """Start a process. Return None if the system has too little memory, or the like.

        Raises: OSError: the same, if not all have been ready yet.
        """
        process = None
        try:
            process = self._start(slot, frozenset(each.order.number for each in self._processes))
            self._selector.register(process.channel, selectors.EVENT_READ, process)
        except OSError as error:
            if process is not None:
                process.discard()
            if not self.have_been_ready:
                raise
            log.error("process.not_started", extra={"slot": slot, "reason": str(error)})
            return None
        self._processes.append(process)
        return process

    def note_ready(self) -> Sequence[str]:
        """Note once that all processes are ready, and return the lines of the startup banner.

        Return none before, and none later.
        """
        current = [place.current for place in self._places]
        if self.have_been_ready or not all(process and process.is_ready for process in current):
            return ()
        self.have_been_ready = True
        return next(process.banner for process in self._processes if process.banner)

    def share_listeners(self, now: float) -> None:
        """Let each process serve the listeners of those before it that do not accept."""
        accepting = [
            slot
            for slot, place in enumerate(self._places[: self._servers])
            if place.current is not None and place.current.accepts(now)
        ]
        extra: dict[int, list[int]] = {slot: [] for slot in accepting}
        for slot in range(self._servers):
            if accepting and slot not in extra:
                extra[min(accepting, key=lambda other: (other - slot) % self._servers)].append(slot)
        for slot, slots in extra.items():
            process = self._places[slot].current
            if process is not None:
                process.serve(slots)

    # -- replacing

    def replace_all(self, now: float) -> None:
        """Begin to replace all processes. Replacements that are not ready yet are given up."""
        for place in self._places:
            if place.following is not None and not place.following.is_ready:
                place.following.end(signal.SIGTERM, now)
                place.following = None
        self._to_replace = deque(range(len(self._places)))
        self._is_replacing = True

    def replace_next(self, now: float) -> bool:
        """Replace the next process, once the one before it has ended.

        Return True once, after the last.
        """
        for place in self._places:
            following = place.following
            if following is not None and following.is_ready:
                if place.current is not None:
                    place.current.end(signal.SIGTERM, now)
                place.current, place.following = following, None
        if any(place.following for place in self._places) or any(
            process.ends_by is not None for process in self._processes
        ):
            return False
        if self._to_replace:
            slot = self._to_replace.popleft()
            self._places[slot].following = self._try_to_start(slot)
            if self._places[slot].following is None:
                self._stop_replacing("it could not be started", {"slot": slot})
            return False
        was_replacing, self._is_replacing = self._is_replacing, False
        return was_replacing

    def _stop_replacing(self, reason: str, facts: Mapping[str, object]) -> None:
        """Leave the other processes as they are, since a replacement has failed."""
        self._to_replace.clear()
        if not self.is_ending:
            log.error("process.not_replaced", extra={**facts, "reason": reason})

    # -- ending

    def end_all(self, now: float) -> None:
        """Request the end of all processes. The second call does not wait for their requests."""
        number = signal.SIGINT if self.is_ending else signal.SIGTERM
        self.is_ending = True
        for process in self._processes:
            process.end(number, now)

    def kill_late(self, now: float) -> None:
        """Kill the processes that are silent, or have not ended in their time."""
        for process in self._processes:
            overdue = process.ends_by is not None and now > process.ends_by
            if (overdue or process.is_silent(now)) and not process.is_killed:
                log.error("process.killed", extra=process.facts)
                process.kill()

    def kill_all(self) -> None:
        """Kill all processes, and wait for their ends."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()


def _take_back(siblings: Siblings) -> None:
    """Take back what an ended process has left in the memory that the others share."""
    try:
        forget_process(siblings)
    except Exception:
        # The disk may be full, or a newer version may be half installed: the others go on.
        log.warning("process.not_forgotten", exc_info=True)
