"""Check the virus scanner: whether it answers, and which files its limits exclude."""

import re
from datetime import datetime
from typing import Final

from tusd_py.clock import Clock
from tusd_py.doctor.findings import Finding, ok, problem, warning
from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.errors import ScannerUnavailable
from tusd_py.settings.model import Settings
from tusd_py.worker.clamd import Clamd

OLD_SIGNATURES_SECONDS: Final = 3 * DAY_SECONDS
_VERSION: Final = re.compile(r"ClamAV [^/]+/\d+/(?P<date>\w+ \w+ +\d+ [\d:]+ \d{4})")


def check_clamd(settings: Settings, clock: Clock) -> list[Finding]:
    """Read its version and return the findings."""
    try:
        version = Clamd(settings.scan.address, clock, timeout=10.0).version()
    except ScannerUnavailable as error:
        return [
            problem(
                "clamd",
                f"{settings.scan.address}: {error.detail} "
                + (
                    "Files wait until it does (scan.on_failure)."
                    if settings.scan.on_failure == "closed"
                    else "Files are stored without being looked at (scan.on_failure)."
                ),
                "Start clamd, or correct scan.address.",
            )
        ]
    return judge_clamd(settings, version, clock.now())


def judge_clamd(settings: Settings, version: str, now: float) -> list[Finding]:
    """Return the findings about its version, the date of its signatures and the limits.

    Args: now: unix seconds.
    """
    found = []
    dated = _VERSION.match(version)
    if dated is not None:
        made = datetime.strptime(f"{dated['date']} +0000", "%a %b %d %H:%M:%S %Y %z").timestamp()
        days = int((now - made) / DAY_SECONDS)
        if now - made > OLD_SIGNATURES_SECONDS:
            found.append(
                warning(
                    "clamd.signatures",
                    f"The signatures are {days} days old.",
                    "See whether freshclam runs.",
                )
            )
    scan = settings.scan
    if scan.above_limit == "refuse" and not 0 < settings.max_size <= scan.max_bytes:
        found.append(
            warning(
                "clamd.limit",
                f"Files of more than {scan.max_bytes} bytes are received in full and then refused: "
                "they are too large to be scanned.",
                "Raise scan.max_bytes and clamd's StreamMaxLength (4 GiB at most), lower "
                "max_size, or "
                "set scan.above_limit to accept.",
            )
        )
    return found or [ok("clamd", f"{version.partition('/')[0]} answers at {scan.address}.")]
