"""Tests what the answer of an endpoint and its protocol mean."""

import pytest
from support.findings import NOTE, OK, PROBLEM, WARNING, answer, level

from tusd_py.doctor.deployment.endpoint import judge_endpoint, judge_protocol
from tusd_py.doctor.deployment.probe_client import ProbeResponse
from tusd_py.doctor.findings import Level

TUS = {"tus_resumable": "1.0.0", "tus_version": "1.0.0", "tus_extension": "creation"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(**TUS), OK),
        (answer(tus_resumable="1.0.0"), WARNING),
        (answer(200), PROBLEM),
        (answer(401), PROBLEM),
    ],
)
def test_endpoint(given: ProbeResponse, expected: Level) -> None:
    assert [level(one) for one in judge_endpoint(given)] == [expected]


def test_a_refused_host_is_no_missing_server() -> None:
    (found,) = judge_endpoint(answer(421))
    assert level(found) is PROBLEM
    assert "allowed_hosts" in found.remedy
    assert "base_path" not in found.remedy


def test_protocol() -> None:
    assert level(judge_protocol("h2")) is OK
    assert level(judge_protocol("http/1.1")) is NOTE
    assert level(judge_protocol(None)) is NOTE
