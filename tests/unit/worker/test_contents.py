"""Tests that reports of media programs become bounded values, and that invalid ones are ignored."""

import json
from fractions import Fraction

import pytest

from worker.media.contents import Colour, Contents
from worker.media.ffmpeg_report import read_ffmpeg
from worker.media.ffprobe_report import read_ffprobe
from worker.media.pixel_format import PixelFormat, pixel_format

REPORT = {
    "streams": [
        {
            "index": 0, "codec_type": "video", "codec_name": "mjpeg", "nb_frames": "1",
            "disposition": {"default": 0, "attached_pic": 1},
        },
        {
            "index": 1, "codec_type": "video", "codec_name": "hevc", "width": 160, "height": 120,
            "sample_aspect_ratio": "4:3", "pix_fmt": "yuv420p10le", "color_range": "tv",
            "color_space": "bt2020nc", "color_transfer": "arib-std-b67",
            "color_primaries": "unknown",
            "r_frame_rate": "30000/1001", "avg_frame_rate": "0/0", "time_base": "1/15360",
            "nb_frames": "30", "duration": "2.000000", "start_time": "-0.040000",
            "bit_rate": "88656",
            "disposition": {"default": 1}, "tags": {"language": "und"},
            "side_data_list": [
                {"side_data_type": "Display Matrix", "rotation": -90},
                {"side_data_type": "DOVI configuration record", "dv_profile": 8,
                 "dv_bl_signal_compatibility_id": 4},
            ],
        },
        {
            "index": 2, "codec_type": "audio", "codec_name": "aac", "channels": 6,
            "channel_layout": "5.1", "sample_rate": "48000",
            "tags": {"LANGUAGE": "fra", "DURATION": "00:00:02.500000000", "BPS": "64000"},
        },
    ],
    "chapters": [{"start_time": "0.0", "end_time": "1.0", "tags": {"title": "One"}}],
    "programs": [{"program_id": 1, "streams": [{"index": 1}, {"index": 2}]}],
    "format": {
        "format_name": "mov,mp4", "duration": "2.5", "start_time": "0", "size": "45318",
        "tags": {"title": "T" * 300, "encoder": "x", "make": "Canon"},
    },
}  # fmt: skip


def contents(report: object) -> Contents:
    found = read_ffprobe(json.dumps(report))
    assert found is not None
    return found


def test_every_fact_of_a_report_is_taken() -> None:
    found = contents(REPORT)
    cover, film, sound = found.streams
    assert found.covers == (cover,)
    assert found.has_moving_picture
    assert (film.width, film.height, film.sample_aspect) == (160, 120, Fraction(4, 3))
    assert film.colour == Colour("tv", "bt2020nc", "arib-std-b67", "")
    assert film.colour.is_hdr
    assert (film.guessed_rate, film.average_rate) == (Fraction(30000, 1001), None)
    assert (film.frames, film.duration, film.start, film.bit_rate) == (30, 2.0, -0.04, 88656)
    assert (film.rotation, film.dolby_vision, film.dolby_vision_base) == (-90.0, 8, 4)
    assert (film.language, sound.language) == ("", "fra")
    assert (sound.channels, sound.layout, sound.sample_rate) == (6, "5.1", 48000)
    assert (sound.duration, sound.bit_rate) == (2.5, 64000)
    assert [chapter.title for chapter in found.chapters] == ["One"]
    assert found.programmes == (frozenset({1, 2}),)
    assert found.shown_tags() == {"title": "T" * 200, "make": "Canon"}
    assert found.is_complete


def test_a_cover_alone_is_no_moving_picture() -> None:
    assert not contents({"streams": REPORT["streams"][:1]}).has_moving_picture  # type: ignore[index]


@pytest.mark.parametrize(
    "wild", ["nan", "1e999", -1, [], {}, None, True, "9" * 50, "\x00", 1 << 70]
)
def test_invalid_values_are_ignored(wild: object) -> None:
    names = [
        "index",
        "width",
        "height",
        "codec_name",
        "codec_type",
        "nb_frames",
        "duration",
        "start_time",
        "bit_rate",
        "channels",
        "sample_rate",
        "r_frame_rate",
        "time_base",
        "sample_aspect_ratio",
        "tags",
        "disposition",
        "side_data_list",
        "level",
    ]
    found = contents({"streams": [dict.fromkeys(names, wild)], "format": {"duration": wild}})
    (stream,) = found.streams
    assert 0 <= stream.index < 1 << 31
    assert 0 <= stream.width < 1 << 20
    assert found.duration is None or found.duration < 1e9


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("yuv420p", PixelFormat(8, "420")),
        ("yuvj422p", PixelFormat(8, "422")),
        ("yuv420p10le", PixelFormat(10, "420")),
        ("yuva444p16be", PixelFormat(16, "444", has_alpha=True)),
        ("p010le", PixelFormat(10, "420")),
        ("gbrap12le", PixelFormat(12, "rgb", has_alpha=True)),
        ("rgb565le", PixelFormat(8, "rgb")),
        ("bgra", PixelFormat(8, "rgb", has_alpha=True)),
        ("rgb48be", PixelFormat(16, "rgb")),
        ("gray10le", PixelFormat(10, "gray")),
        ("ya8", PixelFormat(8, "gray", has_alpha=True)),
        ("bayer_rggb8", None),
        ("", None),
    ],
)
def test_what_a_pixel_format_holds(name: str, expected: PixelFormat | None) -> None:
    assert pixel_format(name) == expected
    assert pixel_format("yuv420p").fits_every_player  # type: ignore[union-attr]


TEXT = """Input #0, matroska,webm, from 'film.mkv':
  Metadata:
    title           :   Stream #0:9: Video: h264, yuv420p, 9999x9999
  Duration: 00:01:02.50, start: 0.000000, bitrate: 175 kb/s
  Stream #0:0(eng): Video: h264 (High), yuv420p(tv, bt709, progressive), 160x120 \
[SAR 1:1], 1k fps, 15 tbr (default)
  Stream #0:1[0x101](fra): Audio: aac (LC), 48000 Hz, stereo, fltp
  Stream #0:2: Video: mjpeg, yuvj420p(pc), 32x32, 90k tbr (attached pic)
At least one output file must be specified
"""


def test_without_ffprobe_the_contents_are_known_but_never_complete() -> None:
    found = read_ffmpeg(TEXT)
    assert found is not None
    film, sound, cover = found.streams
    assert (found.duration, found.is_complete) == (62.5, False)
    assert (film.width, film.height, film.pixel_format) == (160, 120, "yuv420p")
    assert (film.average_rate, film.language) == (Fraction(1000), "eng")
    assert (sound.sample_rate, sound.language) == (48000, "fra")
    assert found.covers == (cover,)
