"""Checks readiness: which checks a process has, and what their answers mean.

A process is *failing* when it cannot work without something that is away; it takes no requests
then. It is *degraded* when work goes on without it (docs/distributed.md describes how).
"""

import errno
import logging
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from tusd_py.domain.errors import BackendError, StorageFull
from tusd_py.monitoring.probes import LIMIT_SECONDS, Probes
from tusd_py.ports import Ports

log = logging.getLogger(__name__)

RESERVE_BYTES: Final = 64 << 20
"""The data directory counts as full if less is free."""
NO_ANSWER: Final = "There was no answer in time."
ALMOST_FULL: Final = "The data directory is almost full."
UNEXPECTED: Final = "The check itself failed."
STOPPING: Final = "This process is stopping."
NO_FFMPEG: Final = "There is no ffmpeg: videos are stored as they come."
DEAD_THREAD: Final = "A thread of the worker has ended."


class Status(StrEnum):
    """Names the verdict on a process."""

    READY = "ready"
    DEGRADED = "degraded"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Is one check. It fails with a BackendError, whose sentence is shown."""

    name: str
    probe: Callable[[], object]
    vital: bool
    """Whether this process cannot work without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Holds the verdict, and the reason of each check that failed; '' for those that passed."""

    status: Status
    reasons: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)
    """For operators, by check: the address of the service that failed, and what it said."""

    @property
    def http_status(self) -> int:
        """HTTP status of ``/readyz``."""
        return 503 if self.status is Status.FAILING else 200

    def members(self, *, for_operators: bool = False) -> dict[str, Any]:
        """Return the JSON of the answer.

        Args: for_operators: with the details, which are not for all who reach the server's port.
        """
        checks = {
            name: {"status": "failing", "reason": reason} if reason else {"status": "ok"}
            for name, reason in self.reasons.items()
        }
        for name, detail in self.details.items() if for_operators else ():
            checks[name]["detail"] = detail
        return {"status": self.status.value, "checks": checks}


def verdict(
    checks: Sequence[Check], reasons: Mapping[str, str], *, full: Collection[str] = ()
) -> Readiness:
    """Return the verdict of all checks together.

    A process with full storage stays in service: otherwise nothing could be deleted.

    Args: reasons: by check, '' if it passed. full: checks that found storage full.
    """
    status = Status.READY
    if any(reasons.values()):
        status = Status.DEGRADED
    if any(reasons[check.name] for check in checks if check.vital and check.name not in full):
        status = Status.FAILING
    return Readiness(status=status, reasons=reasons)


class Checks:
    """Runs the checks of one process."""

    def __init__(self, checks: Sequence[Check], *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._checks = checks
        self._logged: Mapping[str, str] = {}
        self._answers: Mapping[str, Future[object]] = {}
        self._ended: dict[str, Future[object]] = {}
        """The last answer of each check, although it may have come after the limit."""
        self._probes = Probes(
            {check.name: check.probe for check in checks}, limit_seconds=limit_seconds
        )

    def readiness(self) -> Readiness:
        """Run all checks at once. Blocks for the limit at most."""
        self._remember(self._answers)
        self._answers = answers = self._probes.run()
        self._remember(answers)
        found = verdict(
            self._checks,
            {name: _reason(name, future) for name, future in answers.items()},
            full=[name for name, future in answers.items() if _is_full(future)],
        )
        details = {name: _detail(future) for name, future in self._ended.items()}
        known = {name: detail for name, detail in details.items() if detail}
        silent = [name for name, reason in found.reasons.items() if reason == NO_ANSWER]
        # One that is silent for longer than the limit, and then fails, changes with each request.
        self._log_changes({**{name: self._logged.get(name, NO_ANSWER) for name in silent}, **known})
        return replace(found, details=known)

    def _remember(self, answers: "Mapping[str, Future[object]]") -> None:
        self._ended.update({name: future for name, future in answers.items() if future.done()})

    def _log_changes(self, details: Mapping[str, str]) -> None:
        """Log each failure when it begins, and when it becomes another one."""
        for name, detail in details.items():
            if self._logged.get(name) != detail:
                log.warning("check.failed", extra={"check": name, "reason": detail})
        self._logged = details


def _is_full(future: "Future[object]") -> bool:
    return future.done() and isinstance(future.exception(), StorageFull)


def _detail(ended: "Future[object]") -> str:
    error = ended.exception()
    return error.reason if isinstance(error, BackendError) else ""


def _reason(name: str, future: "Future[object]") -> str:
    if not future.done():
        return NO_ANSWER
    error = future.exception()
    if error is None:
        return ""
    if isinstance(error, BackendError):
        return error.detail
    log.error("check.crashed", extra={"check": name}, exc_info=error)
    return UNEXPECTED


def server_checks(ports: Ports, data_dir: Path, stopping: Callable[[], bool]) -> list[Check]:
    """Return the checks of a server, which needs only the catalog and its directory.

    Messages wait in the outbox while the queue is away.
    """
    return _checks(ports, data_dir, stopping)


def worker_checks(
    ports: Ports,
    data_dir: Path,
    stopping: Callable[[], bool],
    *,
    ffmpeg: bool,
    sandbox_weakness: str,
    ask_scanner: Callable[[], object] | None,
) -> list[Check]:
    """Return the checks of a worker, which finds jobs in the catalog while the queue is away."""
    checks = [
        *_checks(ports, data_dir, stopping),
        condition("ffmpeg", lambda: ffmpeg, NO_FFMPEG, vital=False),
        sandbox_check(sandbox_weakness),
    ]
    if ask_scanner is not None:
        checks.append(Check(name="scanner", probe=ask_scanner, vital=False))
    return checks


def _checks(ports: Ports, data_dir: Path, stopping: Callable[[], bool]) -> list[Check]:
    return [
        Check(name="catalog", probe=ports.catalog.check, vital=True),
        Check(name="disk", probe=lambda: check_disk(data_dir, ports.space.reserve), vital=True),
        Check(name="queue", probe=ports.queue.check, vital=False),
        Check(name="tasks", probe=ports.tasks.check, vital=False),
        Check(name="objects", probe=ports.objects.check, vital=False),
        condition("draining", lambda: not stopping(), STOPPING, vital=True),
    ]


def sandbox_check(weakness: str) -> Check:
    """Return a check that the sandbox of ffmpeg is whole.

    ``weakness``: how it is not; '' if it is.
    """
    return condition("sandbox", lambda: not weakness, weakness, vital=False)


def threads_check(alive: Callable[[], bool], *, vital: bool) -> Check:
    """Return a check that the threads of a worker run (hole 17)."""
    return condition("worker", alive, DEAD_THREAD, vital=vital)


def condition(name: str, holds: Callable[[], bool], sentence: str, *, vital: bool) -> Check:
    """Return a check of something that this process knows by itself."""

    def probe() -> None:
        if not holds():
            raise BackendError(sentence)

    return Check(name=name, probe=probe, vital=vital)


def health(worker_alive: Callable[[], bool] | None) -> tuple[int, dict[str, str]]:
    """Return HTTP status and JSON of ``/healthz``, about this process alone.

    ``worker_alive``: None: no worker runs in this process.
    """
    if worker_alive is None:
        return 200, {"status": "ok", "worker": "elsewhere"}
    if worker_alive():
        return 200, {"status": "ok", "worker": "alive"}
    return 503, {"status": "failing", "worker": "dead"}


def check_disk(data_dir: Path, reserve: int = RESERVE_BYTES) -> None:
    """Check that the data directory has room, and takes new files.

    Args: reserve: bytes that uploads leave free.
    Raises: StorageFull; BackendError.
    """
    try:
        if shutil.disk_usage(data_dir).free < max(reserve, RESERVE_BYTES):
            raise StorageFull(ALMOST_FULL)
        with tempfile.TemporaryFile(dir=data_dir, buffering=0) as file:
            file.write(b"x")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(ALMOST_FULL) from error
        raise BackendError("The data directory can't be written.") from error
