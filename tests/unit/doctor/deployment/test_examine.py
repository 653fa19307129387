"""Tests what becomes of a check whose requests fail."""

from collections.abc import Sequence

import httpx
import pytest
from support.findings import OK, PROBLEM, level

from tusd_py.doctor.deployment.examine import _catching_cut_connections
from tusd_py.doctor.findings import Finding, ok
from tusd_py.doctor.run import Check


@pytest.mark.parametrize(
    ("failures", "runs", "expected"),
    [
        ([], 1, OK),
        ([httpx.ReadTimeout("")], 2, OK),
        ([TimeoutError()], 2, OK),
        ([TimeoutError(), httpx.ReadTimeout("")], 2, PROBLEM),
        ([httpx.ReadError("")], 1, PROBLEM),
        ([ConnectionResetError()], 1, PROBLEM),
    ],
)
def test_only_what_was_late_is_run_once_more(
    failures: list[Exception], runs: int, expected: object
) -> None:
    begun = []

    def run() -> Sequence[Finding]:
        begun.append(1)
        if len(begun) <= len(failures):
            raise failures[len(begun) - 1]
        return [ok("a", "It works.")]

    (found,) = _catching_cut_connections(Check("a", run)).run()
    assert (len(begun), level(found)) == (runs, expected)
