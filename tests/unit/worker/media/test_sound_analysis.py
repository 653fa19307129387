"""Tests what is read while a sound is decoded, and whether two sounds are alike."""

import json

from tusd_py.worker.media.sound_analysis import SoundAnalyser, SoundAnalysis
from tusd_py.worker.media.sound_waveform import Waveform


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
