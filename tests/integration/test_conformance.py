"""The tus conformance suite against our own server: plain, and behind a proxy with expiry."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.server import running_server

SUITE = Path(__file__).parents[1] / "conformance"
NOT_ANNOUNCED = {"C134", "C166", "C189", "C190"}
"""Checks of what a server answers that does *not* announce an extension: we announce it."""
TRAILERS = {"C155", "C156", "C157", "C158"}
"""checksum-trailer is not announced yet."""
NEEDS_PROXY = {"C91", "C92", "C93", "C94", "C95", "C96"}
NEEDS_WAITING = {"C64", "C140", "C141", "C142"}


def run_suite(url: str, report: Path, **environ: str) -> dict[str, dict[str, str]]:
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
    outcomes: dict[str, dict[str, str]] = json.loads(report.read_text())
    assert len(outcomes) >= 216
    return outcomes


def by_outcome(outcomes: dict[str, dict[str, str]], outcome: str) -> set[str]:
    return {name for name, case in outcomes.items() if case["outcome"] == outcome}


def test_every_check_passes_on_a_plain_server(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--max-size", "8MiB") as server:
        outcomes = run_suite(server.files, tmp_path / "report.json")
    assert by_outcome(outcomes, "failed") == set()
    assert by_outcome(outcomes, "skipped") == (
        NOT_ANNOUNCED | TRAILERS | NEEDS_PROXY | NEEDS_WAITING
    )


def test_every_check_passes_behind_a_proxy_with_expiry_and_idle_timeout(tmp_path: Path) -> None:
    with running_server(
        tmp_path / "data",
        "--max-size", "8MiB", "--behind-proxy", "--upload-expires", "6s", "--idle-timeout", "2s",
    ) as server:  # fmt: skip
        outcomes = run_suite(
            server.files,
            tmp_path / "report.json",
            TUS_BEHIND_PROXY="1",
            TUS_EXPIRY="6",
            TUS_IDLE_TIMEOUT="2",
        )
    assert by_outcome(outcomes, "failed") == set()
    assert by_outcome(outcomes, "skipped") == NOT_ANNOUNCED | TRAILERS | {"C90"}
