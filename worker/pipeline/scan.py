"""Step 2, if a scanner is set: no file with a virus reaches the object store (requirement S24).

A file that the pool holds already was scanned when it was uploaded, by the signatures of that time.
"""

import logging
from typing import Final

from tusd_py.clock import Clock
from tusd_py.domain.errors import OutOfResources, PermanentError, ScannerUnavailable
from tusd_py.domain.job import INFECTED
from tusd_py.domain.task import (
    INSPECTED_PROGRESS,
    TEXT_INFECTED,
    TEXT_SCANNING,
    TEXT_UNSCANNED,
    TaskStatus,
)
from tusd_py.settings.model import Settings
from tusd_py.worker.clamd import Clamd, ScanResult, Verdict
from tusd_py.worker.pipeline.attempt import Attempt

log = logging.getLogger(__name__)

INFECTED_SENT: Final = "A virus was found in the file; it was removed."
INFECTED_STORED: Final = "A virus was found in the file, which the pool holds already."


def scan(attempt: Attempt) -> None:
    """Scan the source with clamd.

    Raises: PermanentError: ``infected``, or ``too_large_to_scan`` by the settings; OutOfResources:
        the scanner is unavailable, and by the settings the job waits; LeaseLost, WorkerStopping.
    """
    settings, clamd = attempt.settings.scan, scanner_of(attempt.settings, attempt.clock)
    if clamd is None:
        return
    attempt.reporter.report(TaskStatus.PROCESSING, INSPECTED_PROGRESS, TEXT_SCANNING)
    try:
        scanned = _scanned(attempt, clamd)
    except ScannerUnavailable as error:
        attempt.metrics.scanned("unavailable")
        facts = {"task_id": attempt.job.task_id, "reason": error.reason}
        log.warning("scan.unavailable", extra=facts, exc_info=True)
        if settings.on_failure == "open":
            return
        raise OutOfResources(error.detail) from error
    attempt.metrics.scanned(scanned.verdict.value)
    match scanned.verdict:
        case Verdict.INFECTED:
            # The virus's name goes only to the log: clients never receive a program's output.
            log.warning(
                "scan.infected",
                extra={"task_id": attempt.job.task_id, "signature": scanned.signature},
            )
            raise PermanentError(
                INFECTED_STORED if attempt.job.checkpoint.again else INFECTED_SENT,
                code=INFECTED,
                message=TEXT_INFECTED,
            )
        case Verdict.TOO_LARGE if settings.above_limit == "refuse":
            raise PermanentError(
                "The file is too large to be scanned for viruses.",
                code="too_large_to_scan",
                message=TEXT_UNSCANNED,
            )
        case Verdict.TOO_LARGE:
            log.warning("scan.too_large", extra={"task_id": attempt.job.task_id})


def scanner_of(settings: Settings, clock: Clock) -> Clamd | None:
    """Return a client of the scanner that the settings name; None if they name none."""
    scan = settings.scan
    return Clamd(scan.address, clock, timeout=scan.timeout) if scan.address else None


def _scanned(attempt: Attempt, clamd: Clamd) -> ScanResult:
    if attempt.job.file_size > attempt.settings.scan.max_bytes:
        return ScanResult(Verdict.TOO_LARGE)
    with attempt.source.open("rb", buffering=0) as source:
        return clamd.scan(source, attempt.lease.check)
