"""Run a conformance suite as its own users run it; the one of tus is described here."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Outcomes = dict[str, dict[str, str]]
"""By the name of a check: its outcome, and the reason."""
SUITE = Path(__file__).parents[1] / "conformance"
SETTINGS = {
    "TUSD_ALLOWED_HOSTS": (
        "uploads.example.test,up.example.test,inner.test,"
        "old.example.test,new.example.test,evil.test"
    ),
    "TUSD_CORS__ALLOW_ORIGINS": "https://app.example.test",
}
"""The names that the suite gives the server, and the address of the page that uses it."""


def report_of(suite: Path, report: Path, environ: Mapping[str, str]) -> Any:
    """Run the suite in that folder, and return the JSON that it wrote to its report."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(suite), "-c", "pyproject.toml"],
        cwd=suite,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-12000:], done.stderr[-2000:])  # noqa: T201
    assert report.exists(), "the suite did not run"
    return json.loads(report.read_text())


def run_suite(url: str, report: Path, **environ: str) -> Outcomes:
    variables = {"TUS_URL": url, "TUS_REPORT": str(report), **environ}
    outcomes: Outcomes = report_of(SUITE, report, variables)
    assert len(outcomes) >= 216
    return outcomes


def by_outcome(outcomes: Outcomes, outcome: str) -> set[str]:
    return {name for name, case in outcomes.items() if case["outcome"] == outcome}
