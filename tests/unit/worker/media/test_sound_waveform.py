"""Tests the waveform of a sound: its parts, its extremes, its range."""

import json
import math

import pytest

from tusd_py.worker.media.sound_waveform import LONGEST_PART, Waveform, part_samples


def test_parts_are_as_long_as_the_wanted_number_of_points_needs() -> None:
    assert part_samples(1800.0, 48_000, 1800) == 48_000
    assert part_samples(1.0, 48_000, 1800) == 240
    assert part_samples(None, 48_000, 1800) == 2400
    assert part_samples(1e9, 48_000, 1800) == LONGEST_PART * 48_000


@pytest.mark.parametrize("parts", [0, 1, 7, 8, 9, 16, 17, 100, 1000])
def test_a_waveform_keeps_every_extreme_in_few_points(parts: int) -> None:
    waveform = Waveform(sample_rate=1000, samples=100, points=8)
    for number in range(parts):
        waveform.add(-0.5 if number == parts - 1 else 0.0, 0.25 if number == 0 else 0.0)
    found = json.loads(waveform.as_json())
    assert found["length"] <= 8
    assert len(found["data"]) == 2 * found["length"]
    assert waveform.seconds == parts / 10
    covered = found["length"] * found["samples_per_pixel"] / found["sample_rate"]
    assert parts / 10 <= covered < parts / 10 + found["samples_per_pixel"] / 1000
    if parts:
        assert found["data"][1] == 32
        assert found["data"][-2] == -64


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_no_number_leaves_the_range_of_a_waveform(value: float) -> None:
    waveform = Waveform(sample_rate=8000, samples=8, points=8)
    waveform.add(-value, value)
    assert all(-128 <= one <= 127 for one in json.loads(waveform.as_json())["data"])
