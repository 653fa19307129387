"""Adds up the reports of tests to the outcome of the check that they belong to, for all suites."""

from __future__ import annotations

import pytest

REASON_CHARACTERS = 300


def add_report(case: dict[str, str], report: pytest.TestReport) -> None:
    """Add a report: a check fails if one of its tests fails, and passes if one passes.

    Args: case: the members "outcome" ("skipped" at first), "test" and "reason" of the check.
    """
    case["test"] = report.nodeid.partition("[")[0]
    if report.outcome == "failed" or case["outcome"] == "skipped":
        case["outcome"] = report.outcome
    if report.outcome == "failed":
        failure = str(report.longrepr).strip().splitlines()
        reason = [line[2:].strip() for line in failure if line.startswith("E ")]
        case.setdefault("reason", (reason or failure[-1:] or [""])[0][:REASON_CHARACTERS])
    elif report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        case.setdefault("reason", report.longrepr[2].removeprefix("Skipped: "))
