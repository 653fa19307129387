"""Tests what is read of the facts of a picture, and which are shown."""

from typing import Any

import pytest

from tusd_py.worker.images.facts import read_facts

GOOD = {"width": 4, "height": 3, "frames": 2, "bits": 8, "space": "srgb", "orientation": 6}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {**GOOD, "width": 0},
        {**GOOD, "width": -1},
        {**GOOD, "width": 1e9},
        {**GOOD, "width": True},
        {**GOOD, "height": "3"},
        {**GOOD, "height": 10**12},
        {**GOOD, "frames": 10**9},
        {**GOOD, "frames": None},
    ],
)
def test_an_answer_that_no_picture_has_is_none(answer: dict[str, Any]) -> None:
    assert read_facts(answer) is None


def test_shown_facts_come_from_a_short_list() -> None:
    hostile = {
        **GOOD, "space": "<script>", "taken": "2024-05-06T07:08:09\nx", "orientation": 99,
        "bits": -3, "has_alpha": "yes",
    }  # fmt: skip
    found = read_facts(hostile)
    assert found is not None
    assert found.shown() == {
        "width": 4, "height": 3, "frames": 2, "bits": 8, "colour_space": "other", "orientation": 1,
    }  # fmt: skip
    assert not found.has_alpha
    dated = read_facts({**GOOD, "taken": "2024-05-06T07:08:09+02:00"})
    assert dated is not None
    assert dated.shown()["taken"] == "2024-05-06T07:08:09+02:00"
