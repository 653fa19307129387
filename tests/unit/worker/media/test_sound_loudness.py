"""Tests how the loudness of a sound is read from ffmpeg's output, and changed."""

import pytest

from tusd_py.worker.media.sound_loudness import Loudness, gain_filter, needs_gain, read_loudness

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
