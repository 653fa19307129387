"""Run the suite for the IETF's resumable uploads as its own users run it."""

from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from support.conformance import report_of

SUITE: Final = Path(__file__).parents[1] / "conformance" / "ietf"
Outcomes = dict[str, dict[str, dict[str, str]]]
"""By the name of a check and the version: its outcome, and the reason."""
CHECKS: Final = 94
"""I1 to I95; I84 is not used."""


def run_suite(url: str, report: Path, **environ: str) -> Outcomes:
    form = urljoin(url, "/api/file/upload")
    variables = {"RUFH_URL": url, "RUFH_FORM_URL": form, "RUFH_REPORT": str(report), **environ}
    outcomes: Outcomes = report_of(SUITE, report, variables)
    assert len(outcomes) == CHECKS
    return outcomes


def by_outcome(outcomes: Outcomes, outcome: str) -> dict[str, list[str]]:
    """Return the checks with that outcome, and for which versions."""
    found = {
        name: [version for version, case in cases.items() if case["outcome"] == outcome]
        for name, cases in outcomes.items()
    }
    return {name: versions for name, versions in found.items() if versions}
