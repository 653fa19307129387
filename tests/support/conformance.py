"""Run the tus conformance suite as its own users run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

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


def run_suite(url: str, report: Path, **environ: str) -> Outcomes:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(SUITE), "-c", "pyproject.toml"],
        cwd=SUITE,
        env={**os.environ, "TUS_URL": url, "TUS_REPORT": str(report), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout[-6000:], done.stderr[-2000:])  # noqa: T201
    assert report.exists(), "the suite did not run"
    outcomes: Outcomes = json.loads(report.read_text())
    assert len(outcomes) >= 216
    return outcomes


def by_outcome(outcomes: Outcomes, outcome: str) -> set[str]:
    return {name for name, case in outcomes.items() if case["outcome"] == outcome}
