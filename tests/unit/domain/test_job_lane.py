"""Tests which files wait in the lane of long work."""

import pytest

from tusd_py.domain.job_lane import SMALL_PICTURE_BYTES, JobLane, lane_of


@pytest.mark.parametrize(
    ("family", "size", "lane"),
    [
        ("video", 0, JobLane.HEAVY),
        ("audio", 1, JobLane.HEAVY),
        ("image", SMALL_PICTURE_BYTES, JobLane.LIGHT),
        ("image", SMALL_PICTURE_BYTES + 1, JobLane.HEAVY),
        ("application", 1 << 40, JobLane.LIGHT),
        ("", 1 << 40, JobLane.LIGHT),
    ],
)
def test_films_sounds_and_large_pictures_are_heavy(family: str, size: int, lane: JobLane) -> None:
    assert lane_of(family, size) is lane
