"""Tests what the answer to a range means."""

import pytest
from support.findings import OK, PROBLEM, answer, level

from tusd_py.doctor.deployment.download import CONTENT, judge_range
from tusd_py.doctor.deployment.probe_client import ProbeResponse
from tusd_py.doctor.findings import CheckSkipped, Level

PART = {"content-range": "bytes 16-31/256"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ProbeResponse(status=206, headers=PART, content=CONTENT[16:32]), OK),
        (ProbeResponse(status=206, headers=PART, content=CONTENT[0:16]), PROBLEM),
        (ProbeResponse(status=206, headers={}, content=CONTENT[16:32]), PROBLEM),
        (ProbeResponse(status=200, headers={}, content=CONTENT), PROBLEM),
        (ProbeResponse(status=403, headers={}), PROBLEM),
    ],
)
def test_range(given: ProbeResponse, expected: Level) -> None:
    assert level(judge_range(given)) is expected


def test_a_server_that_gives_nothing_back_is_not_blamed() -> None:
    with pytest.raises(CheckSkipped):
        judge_range(answer(405))
