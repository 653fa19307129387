"""Tests that a report of ffprobe becomes bounded values, and that invalid ones are ignored."""

import json
from fractions import Fraction

import pytest

from tusd_py.worker.media.contents import Colour, Contents, Stream
from tusd_py.worker.media.ffprobe_report import read_ffprobe

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


def first_stream(**values: object) -> Stream:
    found = read_ffprobe(json.dumps({"streams": [{"codec_type": "audio", **values}]}))
    assert found is not None
    return found.streams[0]


@pytest.mark.parametrize("channels", [513, 65_535, 999_999_999_999])
def test_more_channels_than_any_decoder_has_are_none(channels: int) -> None:
    assert first_stream(channels=channels).channels == 0
    assert first_stream(channels=512).channels == 512


def test_no_tag_ends_a_word_of_a_command_line() -> None:
    tags = first_stream(tags={"a\0b": "c", "language": "fr\0a", "title": "x\0"}).tags
    assert dict(tags) == {"language": "fra", "title": "x"}
