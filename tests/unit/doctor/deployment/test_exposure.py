"""Tests what strangers must not be given."""

from dataclasses import replace
from typing import Any

import pytest
from support.findings import PROBLEM, level

from tusd_py.doctor.deployment.exposure import Exposure, judge_exposure

CLOSED = Exposure(open_paths=frozenset(), anonymous=False, foreign_host=False, foreign_origin=False)


@pytest.mark.parametrize(
    ("seen", "problems"),
    [
        ({}, set()),
        ({"open_paths": frozenset({"admin"})}, set()),
        ({"open_paths": frozenset({"admin"}), "anonymous": True}, {"operators-page"}),
        ({"open_paths": frozenset({"api/admin/overview"})}, {"operators-page"}),
        ({"open_paths": frozenset({"metrics"})}, {"open-paths"}),
        ({"open_paths": frozenset({"readyz"}), "anonymous": True}, {"open-paths"}),
        ({"anonymous": True}, set()),
        ({"anonymous": True, "foreign_host": True}, {"host-names"}),
        ({"anonymous": True, "foreign_origin": True}, {"other-sites"}),
    ],
    ids=str,
)
def test_what_strangers_get_is_a_problem(seen: dict[str, Any], problems: set[str]) -> None:
    found = judge_exposure(replace(CLOSED, **seen))
    assert {one.check for one in found if level(one) is PROBLEM} == problems
    assert len(found) == 4
