"""Tests what becomes of bodies on the way: buffered, cut off when silent, refused by their size."""

import pytest
from support.findings import OK, PROBLEM, WARNING, answer, level

from tusd_py.doctor.deployment.bodies import (
    judge_buffering,
    judge_silence,
    judge_size,
    smallest_refused,
)
from tusd_py.doctor.deployment.probe_client import ProbeResponse
from tusd_py.doctor.findings import Level

PROBLEM_JSON = {"content-type": "application/problem+json"}


def test_buffering() -> None:
    assert level(judge_buffering(8192)) is OK
    assert level(judge_buffering(0)) is PROBLEM


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        (answer(204), OK, ""),
        (answer(408), WARNING, "408"),
        (None, WARNING, "cut off"),
        (ProbeResponse(status=500, headers=PROBLEM_JSON, content=b'{"code": "body_timeout"}'),
         WARNING, "server itself"),
    ],
)  # fmt: skip
def test_silence(given: ProbeResponse | None, expected: Level, words: str) -> None:
    found = judge_silence(given, 6.0)
    assert level(found) is expected
    assert words in found.sentence


@pytest.mark.parametrize(
    ("cap", "expected", "tried"),
    [(1000, None, [1000]), (99, 100, [1000, 10, 100]), (5, 10, [1000, 10]),
     (500, 1000, [1000, 10, 100])],
)  # fmt: skip
def test_the_smallest_refused_size_is_found_with_few_tries(
    cap: int, expected: int | None, tried: list[int]
) -> None:
    sizes: list[int] = []

    def refused(size: int) -> bool:
        sizes.append(size)
        return size > cap

    assert smallest_refused(1000, (10, 100), refused) == expected
    assert sizes == tried


def test_sizes_above_what_the_server_takes_are_not_tried() -> None:
    assert smallest_refused(50, (10, 100), lambda size: size > 20) == 50
    assert level(judge_size(None, 50)) is OK
    found = judge_size((100 << 20) + 1, 10 << 30)
    assert level(found) is PROBLEM
    assert "100 MiB" in found.sentence
    assert "10.0 GiB" in found.sentence
