"""Tests the sizes of a ladder, and the playlists of HLS: ffmpeg's and those that are written."""

from fractions import Fraction

import pytest

from tusd_py.worker.film_renditions.hls import (
    Rung,
    Segment,
    ladder_cpu,
    media_playlist,
    plan_ladder,
    read_segments,
    variant_line,
)
from tusd_py.worker.media.contents import Stream
from tusd_py.worker.media.probe import Probed

FFMPEG = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="x.part1",BYTERANGE="100@0"
#EXTINF:6.000000,
#EXT-X-BYTERANGE:900@100
x.part1
#EXTINF:2.500000,
#EXT-X-BYTERANGE:300@1000
x.part1
#EXT-X-ENDLIST
"""
SEGMENTS = (Segment(6.0, 900, 100), Segment(2.5, 300, 1000))


def film(width: int, height: int, **facts: object) -> Stream:
    return Stream(index=0, kind="video", width=width, height=height, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("picture", "sizes"),
    [
        (film(1920, 1080), [(360, 640, 360), (720, 1280, 720), (1080, 1920, 1080)]),
        (film(1280, 720), [(360, 640, 360), (720, 1280, 720)]),
        (film(1080, 1920), [(360, 360, 640), (720, 720, 1280), (1080, 1080, 1920)]),
        (film(1920, 1080, rotation=90.0), [(360, 360, 640), (720, 720, 1280), (1080, 1080, 1920)]),
        (film(720, 576, sample_aspect=Fraction(16, 15)), [(360, 480, 360)]),
        (film(321, 241), [(241, 320, 240)]),
    ],
)
def test_no_size_is_larger_than_the_film(
    picture: Stream, sizes: list[tuple[int, int, int]]
) -> None:
    ladder = plan_ladder(picture, (1080, 720, 360, 720))
    assert [(one.lines, one.width, one.height) for one in ladder] == sizes


def test_each_size_costs_a_decoding_and_its_own_pixels() -> None:
    probed = Probed(
        duration=10.0, has_video=True, has_audio=True, width=1280, height=720, frames=840
    )
    rungs = plan_ladder(film(1280, 720), (360, 720))
    own = 840 * 1280 * 720 / 84e6
    assert ladder_cpu(probed, rungs, "veryfast") == pytest.approx(own * (0.25 + 0.25 + 0.25 + 1))


def test_ffmpegs_playlist_is_written_again() -> None:
    assert read_segments(FFMPEG, 1300) == (100, SEGMENTS)
    rung = Rung(lines=720, width=1280, height=720)
    written = media_playlist(rung, 100, SEGMENTS)
    assert "x.part1" not in written
    assert read_segments(written, 1300) == (100, SEGMENTS)
    assert written.count("?rendition=hls-720p-media") == 3
    assert "#EXT-X-TARGETDURATION:6\n" in written
    line = variant_line(
        rung, SEGMENTS, film(1280, 720, level=31, average_rate=Fraction(30000, 1001)),
        has_sound=True
    )  # fmt: skip
    assert line == (
        "#EXT-X-STREAM-INF:BANDWIDTH=1200,AVERAGE-BANDWIDTH=1130"
        ',CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("900@100", "900@101"),
        ("300@1000", "300@0"),
        ("300@1000", "9300@1000"),
        ("900@100", "0@100"),
        ('BYTERANGE="100@0"', 'BYTERANGE="100@1"'),
        ("#EXTINF", "#EXTINV"),
        ("6.000000", "0.000000"),
    ],
)
def test_a_playlist_that_does_not_fit_its_file_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r"map|gap|segments"):
        read_segments(FFMPEG.replace(old, new), 1300)
