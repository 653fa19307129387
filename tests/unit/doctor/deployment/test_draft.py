"""Tests what is said of the IETF's draft: its versions, and whether a 104 passes."""

import pytest
from support.findings import NOTE, OK, PROBLEM, answer, level

from tusd_py.doctor.deployment.draft import Passage, judge_passage, judge_versions
from tusd_py.doctor.deployment.probe_client import ProbeResponse
from tusd_py.doctor.findings import CheckSkipped, Level

HERE, THERE = "http://t/files/a", "http://t/files/b"


def test_versions() -> None:
    assert level(judge_versions([])) is NOTE
    found = judge_versions([6, 8])
    assert level(found) is OK
    assert "6, 8" in found.sentence


@pytest.mark.parametrize(
    ("interim", "final", "expected"),
    [
        (answer(104, location=HERE), answer(201, location=HERE), OK),
        (None, answer(201, location=HERE), NOTE),
        (answer(104, location=HERE), None, PROBLEM),
        (answer(104, location=HERE), answer(201, location=THERE), PROBLEM),
        (answer(104, location=HERE), answer(204), PROBLEM),
    ],
)
def test_passages(
    interim: ProbeResponse | None, final: ProbeResponse | None, expected: Level
) -> None:
    assert level(judge_passage(Passage(interim=interim, final=final))) is expected


def test_a_104_that_comes_late_is_as_good_as_none() -> None:
    interim, final = answer(104, location=HERE), answer(201, location=HERE)
    assert level(judge_passage(Passage(interim=interim, final=final, in_time=False))) is NOTE


def test_the_next_answer_must_be_that_of_the_next_request() -> None:
    interim, final = answer(104, location=HERE), answer(201, location=HERE)
    assert level(judge_passage(Passage(interim=interim, final=final, in_step=False))) is PROBLEM


@pytest.mark.parametrize("final", [None, answer(403)])
def test_what_was_refused_shows_nothing_of_104(final: ProbeResponse | None) -> None:
    with pytest.raises(CheckSkipped):
        judge_passage(Passage(interim=None, final=final))
