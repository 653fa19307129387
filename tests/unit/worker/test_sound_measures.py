"""Tests how waveform and loudness of a sound are read from ffmpeg's output."""

import json
import math

import pytest

from worker.media.sound_analysis import SoundAnalyser, SoundAnalysis
from worker.media.sound_loudness import Loudness, gain_filter, needs_gain, read_loudness
from worker.media.sound_waveform import LONGEST_PART, Waveform, part_samples

SUMMARY = """[Parsed_ebur128_1 @ 0x55] [info] Summary:

  Integrated loudness:
    I:         {integrated} LUFS
    Threshold: -31.2 LUFS

  Loudness range:
    LRA:         4.4 LU
    Threshold: -41.3 LUFS
    LRA low:   -23.9 LUFS
    LRA high:  -19.5 LUFS

  True peak:
    Peak:       {peak} dBFS
"""
MEASURED = Loudness(integrated=-21.2, threshold=-31.2, range=4.4, true_peak=-0.8)


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


def test_the_analyser_reads_only_what_the_filter_writes() -> None:
    waveform = Waveform(sample_rate=10, samples=10, points=100)
    seconds: list[float] = []
    analyser = SoundAnalyser(waveform, seconds.append)
    moved = [
        analyser.on_line(line)
        for line in (
            "frame:0    pts:0       pts_time:0",
            "lavfi.r128.I=-23.0",
            "lavfi.astats.Overall.Min_level=-0.500000",
            "lavfi.astats.Overall.Max_level=0.250000",
            "lavfi.astats.Overall.Max_level=",
            "lavfi.astats.Overall.Max_level=0x1 title",
            "lavfi.astats.Overall.Min_level=nan",
            "lavfi.astats.Overall.Max_level=rubbish",
        )
    ]
    assert moved == [False, False, False, True, False, False, False, True]
    assert seconds == [1.0, 2.0]
    assert json.loads(waveform.as_json())["data"] == [-64, 32, 0, 0]


def test_the_last_summary_gives_the_loudness() -> None:
    forged = SUMMARY.format(integrated="-1.0", peak="0.0")
    assert read_loudness(forged + SUMMARY.format(integrated="-21.2", peak="-0.8")) == MEASURED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Summary:",
        SUMMARY.format(integrated="-70.0", peak="-inf"),
        SUMMARY.format(integrated="-inf", peak="-inf"),
        SUMMARY.format(integrated="x", peak="1"),
    ],
)
def test_silence_and_invalid_text_have_no_loudness(text: str) -> None:
    assert read_loudness(text) is None
    assert not needs_gain(None, -16.0)


def test_gain_is_linear_and_within_the_limits_of_the_filter() -> None:
    assert needs_gain(MEASURED, -16.0)
    assert not needs_gain(MEASURED, -21.0)
    assert "I=-16.0:TP=-1.5:LRA=6.0:measured_I=-21.2:measured_TP=-0.8" in gain_filter(
        MEASURED, -16.0
    )
    steady = Loudness(integrated=3.0, threshold=-7.0, range=0.0, true_peak=200.0)
    values = dict(
        pair.split("=") for pair in gain_filter(steady, -16.0).removeprefix("loudnorm=").split(":")
    )
    # The filter takes a measured range of 0 for "not measured", and would change nothing.
    assert float(values["measured_LRA"]) > 0
    assert (values["measured_I"], values["measured_TP"], values["LRA"]) == ("0.0", "99.0", "1.0")


def analysis_of(seconds: float, *, errors: int = 0, peak: float = 0.5) -> SoundAnalysis:
    waveform = Waveform(sample_rate=10, samples=1, points=100)
    for _ in range(round(seconds * 10)):
        waveform.add(-peak, peak)
    return SoundAnalysis(waveform=waveform, errors=errors, loudness=None)


def test_a_copy_is_accepted_only_if_it_is_like_its_source() -> None:
    source = analysis_of(100.0)
    assert source.is_like(analysis_of(101.0))
    for other in (
        analysis_of(97.0),
        analysis_of(103.0),
        analysis_of(100.0, errors=1),
        analysis_of(100.0, peak=0.0),
    ):
        assert not source.is_like(other)
    assert analysis_of(100.0, peak=0.0).is_like(analysis_of(100.0, peak=0.0))
    assert analysis_of(90.0).is_shorter_than(100.0)
    assert not analysis_of(99.0).is_shorter_than(100.0)
    assert analysis_of(1.0, errors=21).is_damaged
