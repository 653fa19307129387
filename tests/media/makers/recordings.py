"""Recordings made by MediaRecorder in a real Chromium: the scene on a canvas, an oscillator."""

from pathlib import Path

from media import film_checks
from media.cases import Group
from media.chromium import record

GROUP = Group("recordings")
case = GROUP.case
AS_RECORDED = "the recording's timestamps, right colours"


@case("rec_vp8.webm", AS_RECORDED, film_checks.film(spots=20), played=True)
def vp8(path: Path) -> None:
    record(path, "video/webm;codecs=vp8,opus")


@case("rec_vp9.webm", AS_RECORDED, film_checks.film(spots=20), played=True)
def vp9(path: Path) -> None:
    record(path, "video/webm;codecs=vp9,opus")


@case("rec.mp4", AS_RECORDED, film_checks.film(spots=20), played=True)
def mp4(path: Path) -> None:
    record(path, "video/mp4;codecs=avc1.42E01E,mp4a.40.2", "video/mp4")
