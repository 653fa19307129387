"""Run the suite for the IETF's resumable uploads as its own users run it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

SUITE: Final = Path(__file__).parents[1] / "conformance" / "ietf"
Outcomes = dict[str, dict[str, dict[str, str]]]
"""By the name of a check and the version: its outcome, and the reason."""
CHECKS: Final = 94
"""I1 to I95; I84 is not used."""


def run_suite(url: str, report: Path, **environ: str) -> Outcomes:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(SUITE), "-c", "pyproject.toml"],
        cwd=SUITE,
        env={**os.environ, "RUFH_URL": url, "RUFH_REPORT": str(report), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-12000:], done.stderr[-2000:])  # noqa: T201
    assert report.exists(), "the suite did not run"
    outcomes: Outcomes = json.loads(report.read_text())
    assert len(outcomes) == CHECKS
    return outcomes


def by_outcome(outcomes: Outcomes, outcome: str) -> dict[str, list[str]]:
    """Return the checks with that outcome, and for which versions."""
    found = {
        name: [version for version, case in cases.items() if case["outcome"] == outcome]
        for name, cases in outcomes.items()
    }
    return {name: versions for name, versions in found.items() if versions}
