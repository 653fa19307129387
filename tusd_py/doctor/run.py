"""Run checks in parallel, each with a deadline."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial
from typing import Final

from tusd_py.clock import Clock, SystemClock
from tusd_py.doctor.findings import CheckSkipped, Finding, note, problem
from tusd_py.monitoring.probes import run_detached
from tusd_py.wiring import install_line

log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 45.0
"""Longer than a check takes if all of its requests reach their own time limits."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check to run. ``run`` may block, and may raise any exception."""

    name: str
    run: Callable[[], Sequence[Finding]]


def run_checks(
    checks: Sequence[Check], *, seconds: float = CHECK_SECONDS, clock: Clock | None = None
) -> Iterator[Finding]:
    """Yield the findings of all checks, in their order; the checks run in parallel.

    A check that raises, or takes longer than ``seconds``, becomes a finding itself.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + seconds
    begun = [(check, run_detached(partial(_run, check))) for check in checks]
    for check, future in begun:
        try:
            yield from future.result(max(0.0, deadline - clock.monotonic()))
        except FutureTimeout:
            yield problem(
                check.name,
                f"No answer within {seconds:g} s; the check was given up.",
                "See whether the service, the disk or the network behind it hangs.",
            )


def _run(check: Check) -> Sequence[Finding]:
    try:
        return check.run()
    except CheckSkipped as unseen:
        return [note(check.name, unseen.sentence, unseen.remedy)]
    except ModuleNotFoundError as error:
        return [
            problem(
                check.name,
                f"The Python package {error.name} is not installed.",
                install_line(error.name),
            )
        ]
    except Exception as error:
        log.debug("doctor.check.failed", extra={"check": check.name}, exc_info=error)
        return [
            problem(
                check.name,
                f"The check itself failed ({type(error).__name__}).",
                "Run it again with TUSD_LOG_LEVEL=debug, and report the output.",
            )
        ]
