"""Tests what becomes of a check whose requests fail."""

import http.client
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
        ([httpx.RemoteProtocolError("")], 2, OK),
        ([http.client.RemoteDisconnected()], 2, OK),
        ([httpx.ReadError(""), ConnectionResetError()], 2, PROBLEM),
    ],
)
def test_a_check_whose_connection_was_cut_is_run_once_more(
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
