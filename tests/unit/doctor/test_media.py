"""Tests what the media programs of a machine mean."""

from dataclasses import replace
from typing import Any

import pytest
from support.findings import NOTE, PROBLEM, WARNING, Levels, levels

from tusd_py.doctor.findings import Level
from tusd_py.doctor.media import MediaFacts, judge_media
from tusd_py.worker.media.encoders import Encoder, trial_argv

TOOLS = MediaFacts(
    version="7.1", ffprobe=True, sandbox="bwrap", encoders=frozenset({"libx264", "aac", "png"})
)


@pytest.mark.parametrize(
    ("changed", "wanted", "expected"),
    [
        ({}, "auto", {}),
        ({"sandbox": None}, "bwrap", {"media.sandbox": PROBLEM}),
        ({"sandbox": "rlimit"}, "auto", {"media.sandbox": NOTE}),
        ({"sandbox": "landlock"}, "auto", {"media.sandbox": NOTE}),
        ({"sandbox": "landlock"}, "landlock", {}),
        ({"filtered": False}, "bwrap", {"media.filter": NOTE}),
        ({"sandbox": "rlimit"}, "rlimit", {}),
        ({"sandbox": "off"}, "auto", {"media.sandbox": WARNING}),
        ({"version": "", "encoders": frozenset()}, "auto", {"media.ffmpeg": WARNING}),
        ({"encoders": None}, "auto", {"media.ffmpeg": PROBLEM}),
        ({"encoders": frozenset({"aac"})}, "auto", {"media.ffmpeg": PROBLEM}),
        ({"ffprobe": False}, "auto", {"media.ffprobe": NOTE}),
    ],
    ids=str,
)
def test_media(changed: dict[str, Any], wanted: str, expected: Levels) -> None:
    assert levels(judge_media(replace(TOOLS, **changed), wanted=wanted)) == expected


@pytest.mark.parametrize(("works", "level"), [(True, Level.OK), (False, Level.WARNING)])
def test_the_doctor_names_the_encoder(works: bool, level: Level) -> None:
    facts = MediaFacts(
        version="5", ffprobe=True, sandbox="bwrap", encoders=frozenset({"libx264", "aac"}),
        encoder="vaapi", encoder_works=works,
    )  # fmt: skip
    (finding,) = (one for one in judge_media(facts, wanted="auto") if one.check == "media.encoder")
    assert finding.level is level
    assert "vaapi" in finding.sentence
    assert "h264_vaapi" in trial_argv("ffmpeg", Encoder(name="vaapi"))
