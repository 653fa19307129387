"""Checks of readiness for tests of what they find: an answer that comes late counts."""

from collections.abc import Sequence

from tusd_py.monitoring.checks import Check, Checks


def patient(checks: Sequence[Check]) -> Checks:
    """Return checks that await every answer, however slow the machine is."""
    return Checks(checks, limit_seconds=60.0)
