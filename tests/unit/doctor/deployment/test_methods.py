"""Tests which methods pass, and which need to be overridden."""

import pytest
from support.findings import NOTE, OK, PROBLEM, answer, level

from tusd_py.doctor.deployment.methods import MethodResult, judge_methods
from tusd_py.doctor.findings import Level

THROUGH = MethodResult(direct=answer(204), overridden=answer(204))
WALLED = MethodResult(direct=answer(403), overridden=answer(204))
SHUT = MethodResult(direct=answer(403), overridden=answer(405))
STRIPPED = MethodResult(direct=answer(204), overridden=answer(405, tus_resumable="1.0.0"))
UNABLE = MethodResult(direct=answer(405, tus_resumable="1.0.0"), overridden=answer(204))


@pytest.mark.parametrize(
    ("patch", "delete", "expected"),
    [
        (THROUGH, THROUGH, [OK]),
        (WALLED, THROUGH, [PROBLEM]),
        (THROUGH, SHUT, [PROBLEM]),
        (SHUT, WALLED, [PROBLEM, PROBLEM]),
        (STRIPPED, THROUGH, [NOTE]),
        (THROUGH, UNABLE, [OK]),
    ],
)
def test_methods(patch: MethodResult, delete: MethodResult, expected: list[Level]) -> None:
    findings = judge_methods({"PATCH": patch, "DELETE": delete})
    assert [level(one) for one in findings] == expected
