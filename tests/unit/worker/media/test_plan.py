"""Tests the plan for a film by its facts: streams, gain, colours, fields, times, sounds, tags."""

from dataclasses import replace
from fractions import Fraction

import pytest
from support.planned_films import PICTURE, SOUND, film

from tusd_py.domain.notes import Note
from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.contents import Chapter, Colour, Contents, Stream
from tusd_py.worker.media.film_argv import copy_argv, encode_argv
from tusd_py.worker.media.isobmff import Layout
from tusd_py.worker.media.plan import Copy, Encode, Keep, Packaging, Wishes, plan_film

FAST = Layout(starts_fast=True, is_fragmented=False, is_cut=False, has_unknown=False)
MP4 = Packaging(demuxer="mov", container="mp4", layout=FAST)
SLOW = replace(MP4, layout=replace(FAST, starts_fast=False))
WEBM = Packaging(demuxer="matroska", container="webm")


def plan(
    contents: Contents,
    packaging: Packaging = MP4,
    wishes: Wishes | None = None,
    *,
    has_tone_mapping: bool = True,
) -> Keep | Copy | Encode:
    chosen = choose(contents)
    assert chosen is not None
    return plan_film(
        contents, chosen, wishes or Wishes(), packaging, has_tone_mapping=has_tone_mapping
    )


def encoding(picture: Stream, packaging: Packaging = MP4, wishes: Wishes | None = None) -> Encode:
    found = plan(film(picture), packaging, wishes)
    assert isinstance(found, Encode)
    return found


def argv(found: Encode) -> list[str]:
    return encode_argv(
        "ffmpeg", found, source="i", output="o", demuxer="mov", max_pixels=1, threads=1
    )


# Whether anything is made.
LITTLE = replace(PICTURE, bit_rate=500_000)


def test_a_film_without_gain_is_kept_or_gets_its_index_at_the_start() -> None:
    assert plan(film(LITTLE, SOUND)) == Keep(note=Note.NO_GAIN)
    found = plan(film(LITTLE, SOUND), SLOW)
    assert isinstance(found, Copy)
    assert (found.container, found.sounds) == ("mp4", (1,))
    line = copy_argv("ffmpeg", found, 0, source="i", output="o", demuxer="mov")
    assert "+faststart" in line
    assert line[line.index("-c") + 1] == "copy"
    # What a browser reads at once needs no order.
    assert plan(film(LITTLE, SOUND, size=20_000), SLOW) == Keep(note=Note.NO_GAIN)
    fragments = replace(MP4, layout=replace(FAST, is_fragmented=True))
    assert isinstance(plan(film(LITTLE, SOUND), fragments), Copy)
    assert isinstance(plan(film(LITTLE, SOUND), Packaging(demuxer="matroska")), Copy)


def test_a_recording_without_a_length_becomes_one_with_it() -> None:
    picture = replace(LITTLE, codec="vp9", profile="Profile 0", duration=None)
    sound = replace(SOUND, codec="opus")
    assert plan(film(picture, sound), WEBM) == Keep(note=Note.NO_GAIN)
    found = plan(film(picture, sound, duration=None), WEBM)
    assert isinstance(found, Copy)
    assert found.container == "webm"


@pytest.mark.parametrize(
    "picture",
    [
        replace(LITTLE, codec="hevc", profile="Main"),
        replace(LITTLE, codec="mpeg4"),
        replace(LITTLE, profile="High 10", pixel_format="yuv420p10le"),
        replace(LITTLE, profile="High 4:2:2", pixel_format="yuv422p"),
        replace(LITTLE, field_order="tt"),
        replace(LITTLE, pixel_format="x"),
    ],
)
def test_a_film_that_browsers_do_not_play_is_encoded_even_without_gain(picture: Stream) -> None:
    found = encoding(picture)
    assert found.otherwise is None
    kept = encoding(picture, wishes=Wishes(always_playable=False))
    assert kept.otherwise == Keep(note=Note.NO_GAIN)


def test_a_film_above_a_limit_is_encoded_even_without_gain() -> None:
    large, fast = (
        replace(LITTLE, width=3840, height=2160),
        replace(LITTLE, average_rate=Fraction(120)),
    )
    for picture, wishes in (
        (large, Wishes(max_side=1920)),
        (large, Wishes(max_level="4.2")),
        (fast, Wishes(max_frame_rate=60)),
    ):
        assert plan(film(picture)) == Keep(note=Note.NO_GAIN)
        assert encoding(picture, wishes=wishes).otherwise is None


@pytest.mark.parametrize(
    "sound",
    [
        replace(SOUND, channels=16, layout=""),
        replace(SOUND, codec="ac3", channels=6, layout="5.1(side)"),
        replace(SOUND, codec="pcm_s16le"),
    ],
)
def test_a_film_with_such_sound_does_not_play_as_it_is(sound: Stream) -> None:
    assert isinstance(plan(film(LITTLE, sound)), Encode)


@pytest.mark.parametrize(
    ("picture", "packaging", "note"),
    [
        (replace(PICTURE, codec=""), MP4, Note.UNSUPPORTED),
        (replace(PICTURE, codec="hevc", dolby_vision=5, dolby_vision_base=0), MP4,
         Note.DOLBY_VISION),
        (PICTURE, replace(MP4, layout=replace(FAST, is_cut=True)), Note.CUT_OFF),
        (replace(PICTURE, width=1, height=1), MP4, Note.NO_GAIN),
    ],
)  # fmt: skip
def test_a_film_that_can_not_be_made_right_is_kept_with_the_reason(
    picture: Stream, packaging: Packaging, note: Note
) -> None:
    assert plan(film(picture), packaging) == Keep(note=note)


def test_without_the_filters_hdr_is_kept() -> None:
    hdr = replace(PICTURE, colour=Colour("tv", "bt2020nc", "smpte2084", "bt2020"))
    assert plan(film(hdr), has_tone_mapping=False) == Keep(note=Note.NO_TONE_MAPPING)


# How the picture is encoded.
def filters(picture: Stream, **wishes: object) -> str:
    return ",".join(encoding(picture, wishes=Wishes(**wishes)).picture.filters)  # type: ignore[arg-type]


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_tone_mapped_and_tagged_as_what_it_is_then(transfer: str) -> None:
    picture = replace(
        PICTURE, pixel_format="yuv420p10le", colour=Colour("tv", "bt2020nc", transfer, "bt2020")
    )
    found = encoding(picture)
    text = ",".join(found.picture.filters)
    assert f"tin={transfer}" in text
    assert text.index("zscale") < text.index("tonemap=") < text.index("format=yuv420p")
    assert found.picture.colour == Colour("tv", "bt709", "bt709", "bt709")


@pytest.mark.parametrize("name", ["gbrp", "bgr24", "rgb24", "pal8", "bgra"])
def test_rgb_becomes_bt709_and_is_tagged_so(name: str) -> None:
    found = encoding(replace(PICTURE, pixel_format=name, colour=Colour()))
    assert "out_color_matrix=bt709" in ",".join(found.picture.filters)
    assert found.picture.colour == Colour("tv", "bt709", "bt709", "bt709")


def test_the_colours_of_the_container_override_those_of_the_decoder() -> None:
    text = filters(replace(PICTURE, codec="vp8"))
    assert text.startswith("setparams=range=limited:colorspace=bt709")


@pytest.mark.parametrize(
    ("width", "height", "space"),
    [(1920, 1080, "bt709"), (720, 576, "bt470bg"), (640, 480, "smpte170m")],
)
def test_an_untagged_film_is_tagged_as_players_assume(width: int, height: int, space: str) -> None:
    found = encoding(replace(PICTURE, width=width, height=height, colour=Colour()))
    assert found.picture.colour.space == space


def test_full_range_is_converted_and_tagged() -> None:
    found = encoding(replace(PICTURE, colour=replace(PICTURE.colour, range="pc")))
    text = ",".join(found.picture.filters)
    assert "in_range=full:out_range=limited" in text
    assert found.picture.colour.range == "tv"


@pytest.mark.parametrize(
    ("picture", "packaging", "expected"),
    [
        (replace(PICTURE, field_order="tt"), MP4, "deint=all"),
        (replace(PICTURE, codec="mpeg2video", field_order="progressive"), MP4, "idet,bwdif"),
        (replace(PICTURE, codec="dvvideo", field_order=""), MP4, "idet,bwdif"),
        (PICTURE, Packaging(demuxer="mpegts"), "idet,bwdif"),
        (replace(PICTURE, field_order="unknown"), MP4, "idet,bwdif"),
        (PICTURE, MP4, ""),
        (replace(PICTURE, codec="vp9", field_order=""), MP4, ""),
    ],
)
def test_fields_become_frames(picture: Stream, packaging: Packaging, expected: str) -> None:
    text = ",".join(encoding(picture, packaging).picture.filters)
    assert expected in text
    assert ("bwdif" in text) == bool(expected)
    if "idet" in expected:
        changing = replace(picture, changes_size=True)
        assert "idet" not in ",".join(encoding(changing, packaging).picture.filters)
    assert "bwdif" not in ",".join(
        encoding(picture, packaging, Wishes(deinterlace=False)).picture.filters
    )


def test_timestamps_are_the_sources_own() -> None:
    recording = replace(
        PICTURE, codec="vp8", time_base=Fraction(1, 1000), guessed_rate=Fraction(1000),
        average_rate=Fraction(30),
    )  # fmt: skip
    line = argv(encoding(recording))
    assert line[line.index("-fps_mode") + 1] == "passthrough"
    base = Fraction(*map(int, line[line.index("-enc_time_base") + 1].split(":")))
    assert Fraction(1, 1000) % base == 0
    assert line[line.index("-x264-params") + 1] == "fps=30/1"


def test_a_rate_that_is_only_the_unit_of_time_is_ignored() -> None:
    unknown = replace(PICTURE, average_rate=None, guessed_rate=Fraction(1000))
    assert encoding(unknown).picture.rate == 30


def test_a_recording_that_changes_its_size_keeps_its_largest() -> None:
    text = filters(replace(PICTURE, changes_size=True))
    assert "scale=1280:720:force_original_aspect_ratio=decrease" in text
    assert "pad=1280:720" in text


@pytest.mark.parametrize(
    ("size", "wishes", "expected"),
    [
        ((321, 241), {}, "scale=320:240"),
        ((3, 2), {}, "scale=2:2"),
        ((7680, 4320), {}, "scale=7680:4320"),
        ((7680, 4320), {"max_level": "5.2"}, "scale=4"),
        ((1920, 1080), {"max_side": 1280}, "scale=1280:720"),
        ((1080, 1920), {"max_short_side": 720}, "scale=720:1280"),
        ((3840, 2160), {"max_level": "4.2"}, "scale="),
        ((1280, 720), {}, "scale=1280:720"),
    ],
)
def test_sizes_are_even_and_within_the_limits(
    size: tuple[int, int], wishes: dict[str, object], expected: str
) -> None:
    picture = replace(PICTURE, width=size[0], height=size[1], bit_rate=10**9)
    assert expected in filters(picture, **wishes)


def test_a_turned_film_is_measured_as_it_is_shown() -> None:
    assert "scale=720:1280" in filters(replace(PICTURE, rotation=-90.0))


def test_a_rate_above_the_limit_is_reduced() -> None:
    fast = encoding(replace(PICTURE, average_rate=Fraction(240)), wishes=Wishes(max_frame_rate=60))
    assert "fps=60/1" in fast.picture.filters
    assert fast.picture.time_base is None


# How the sounds are encoded.
def sounds(*tracks: Stream, **wishes: object) -> list[tuple[int, bool, int, str]]:
    found = plan(film(PICTURE, *tracks), wishes=Wishes(**wishes))  # type: ignore[arg-type]
    assert isinstance(found, Encode)
    return [(one.index, one.is_copied, one.bit_rate, one.disposition) for one in found.sounds]


SURROUND = replace(SOUND, codec="ac3", channels=6, layout="5.1(side)")


def test_sound_that_plays_is_copied_and_other_gets_enough_bits() -> None:
    assert sounds(SOUND) == [(1, True, 0, "default")]
    assert sounds(replace(SOUND, codec="mp3")) == [(1, False, 128_000, "default")]
    assert sounds(replace(SOUND, codec="mp3", channels=1, layout="mono")) == [
        (1, False, 64_000, "default")
    ]
    assert sounds(replace(SOUND, codec="mp3"), stereo_bit_rate=192_000)[0][2] == 192_000


def test_surround_gets_a_stereo_track() -> None:
    assert sounds(SURROUND) == [(1, False, 384_000, "default"), (1, False, 128_000, "0")]
    wide = replace(SURROUND, codec="opus", channels=8, layout="7.1")
    assert sounds(wide)[0] == (1, False, 512_000, "default")
    assert sounds(replace(SURROUND, codec="aac"))[0] == (1, True, 0, "default")


def test_a_film_has_the_same_layouts_as_a_sound() -> None:
    """AAC has no number for the layout 6.1, which browsers do not play."""
    found = plan(film(PICTURE, replace(SURROUND, channels=7, layout="6.1")))
    assert isinstance(found, Encode)
    assert found.sounds[0].filters == "aformat=channel_layouts=7.1"


@pytest.mark.parametrize(
    ("channels", "layout"), [(16, ""), (16, "hexadecagonal"), (6, ""), (12, "x")]
)
def test_sound_that_browsers_refuse_is_mixed_to_stereo(channels: int, layout: str) -> None:
    found = plan(film(PICTURE, replace(SOUND, channels=channels, layout=layout)))
    assert isinstance(found, Encode)
    (only,) = found.sounds
    assert only.filters.startswith("pan=stereo|c0<c0+c2")
    assert not only.is_copied


def test_all_tracks_are_kept_and_the_default_one_stays_default() -> None:
    tracks = (
        replace(SOUND, disposition=frozenset({"comment"})),
        replace(SOUND, index=2, disposition=frozenset({"default"})),
        replace(SOUND, index=3, disposition=frozenset({"hearing_impaired"})),
    )
    assert [one[3] for one in sounds(*tracks)] == ["comment", "default", "hearing_impaired"]
    assert [one[3] for one in sounds(tracks[0], tracks[2], replace(SOUND, index=4))][2] == "default"


def test_more_than_48_khz_is_reduced() -> None:
    found = plan(film(PICTURE, replace(SOUND, codec="flac", sample_rate=192_000)))
    assert isinstance(found, Encode)
    assert found.sounds[0].sample_rate == 48_000


# Subtitles, chapters, tags.
def test_text_subtitles_and_chapters_are_kept() -> None:
    subtitles = [
        Stream(index=2, kind="subtitle", codec="ass"),
        Stream(index=3, kind="subtitle", codec="hdmv_pgs_subtitle"),
    ]
    contents = film(PICTURE, SOUND, *subtitles, chapters=(Chapter(start=0, end=1, title="One"),))
    found = plan(contents)
    assert isinstance(found, Encode)
    line = argv(found)
    assert [line[at + 1] for at, part in enumerate(line) if part == "-map"] == ["0:0", "0:1", "0:2"]
    assert "mov_text" in line
    assert "-map_chapters" not in line


LOCATED = {"title": "T", "com.apple.quicktime.location.iso6709": "+1+2/", "location-eng": "+1+2/"}


def tag_options(policy: str, tags: dict[str, str]) -> str:
    found = plan(film(tags=tags), wishes=Wishes(metadata=policy))  # type: ignore[arg-type]
    assert isinstance(found, Encode)
    return " ".join(argv(found))


def test_tags_follow_the_policy() -> None:
    kept = tag_options("keep", LOCATED)
    assert "use_metadata_tags" in kept
    assert "location" not in kept
    assert "use_metadata_tags" not in tag_options("keep", {"title": "T", "location": "x"})
    stripped = tag_options("strip_location", LOCATED)
    assert "location-eng= " in stripped
    assert "com.apple.quicktime.location.iso6709= " in stripped
    date = "2024-05-06T07:08:09.000000Z"
    bare = tag_options("strip_all", {**LOCATED, "creation_time": date})
    assert "-map_metadata -1" in bare
    assert f"creation_time={date}" in bare


@pytest.mark.parametrize("policy", ["strip_location", "strip_all"])
def test_a_film_that_is_not_encoded_loses_its_location_too(policy: str) -> None:
    found = plan(film(LITTLE, tags=LOCATED), wishes=Wishes(metadata=policy))  # type: ignore[arg-type]
    assert isinstance(found, Copy)


def test_a_watermark_needs_every_film_encoded() -> None:
    for picture in (LITTLE, replace(LITTLE, codec="hevc")):
        found = encoding(picture, wishes=Wishes(marked=True, always_playable=False))
        assert found.otherwise is None
