"""Tests what a web copy lacks of its film."""

from dataclasses import replace

import pytest
from support.film_contents import FILM, MADE, PICTURE, SOUND, with_picture

from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.contents import Chapter, Colour, Contents, Stream
from tusd_py.worker.media.inventory import Loss, losses

SUBTITLE = Stream(index=2, kind="subtitle", codec="subrip", tags={"language": "deu"})


def lost(source: Contents, made: Contents = MADE, **how: object) -> set[Loss]:
    chosen = choose(source)
    assert chosen is not None
    return set(losses(source, chosen, made, copied=bool(how.pop("copied", False)), **how))  # type: ignore[arg-type]


def also(stream: Stream) -> Contents:
    return replace(FILM, streams=(PICTURE, SOUND, stream))


def test_a_plain_film_is_carried_whole() -> None:
    assert lost(FILM) == set()


@pytest.mark.parametrize(
    ("source", "loss"),
    [
        (replace(FILM, is_complete=False), Loss.UNKNOWN),
        (with_picture(pixel_format="p0x9"), Loss.UNKNOWN),
        (with_picture(codec="prores", pixel_format="yuv420p"), Loss.MASTER),
        (with_picture(codec="ffv1"), Loss.MASTER),
        (with_picture(profile="High 4:4:4 Predictive"), Loss.MASTER),
        (with_picture(pixel_format="yuv420p10le"), Loss.BIT_DEPTH),
        (with_picture(raw_bits=10), Loss.BIT_DEPTH),
        (with_picture(pixel_format="yuv422p"), Loss.CHROMA),
        (with_picture(pixel_format="bgr24"), Loss.CHROMA),
        (with_picture(pixel_format="yuva420p"), Loss.ALPHA),
        (with_picture(codec="vp8", tags={"alpha_mode": "1"}), Loss.ALPHA),
        (with_picture(colour=Colour("tv", "bt2020nc", "smpte2084", "bt2020")), Loss.HDR),
        (with_picture(dolby_vision=8, dolby_vision_base=4), Loss.DOLBY_VISION),
        (with_picture(width=1280, height=720), Loss.RESOLUTION),
        (with_picture(frames=600), Loss.FRAMES),
        (with_picture(frames=None), Loss.FRAMES),
        (with_picture(field_order="tt"), Loss.FIELDS),
        (with_picture(side_data=frozenset({"Spherical Mapping"})), Loss.PROJECTION),
        (with_picture(side_data=frozenset({"Stereo 3D"})), Loss.STEREO_3D),
        (with_picture(tags={"stereo_mode": "left_right"}), Loss.STEREO_3D),
        (with_picture(has_captions=True), Loss.CAPTIONS),
        (also(replace(PICTURE, index=2)), Loss.PICTURE_STREAM),
        (also(replace(PICTURE, index=2, disposition=frozenset({"attached_pic"}))), Loss.COVER),
        (also(replace(SOUND, index=2)), Loss.SOUND_TRACK),
        (also(replace(SOUND, index=2, frames=0)), Loss.SOUND_TRACK),
        (also(SUBTITLE), Loss.SUBTITLES),
        (also(replace(SUBTITLE, codec="hdmv_pgs_subtitle")), Loss.SUBTITLES),
        (also(Stream(index=2, kind="attachment")), Loss.ATTACHMENTS),
        (also(Stream(index=2, kind="data", codec_tag="gpmd")), Loss.TELEMETRY),
        (also(Stream(index=2, kind="")), Loss.UNKNOWN),
        (also(Stream(index=2, kind="data", codec_tag="tmcd", tags={"timecode": "1"})),
         Loss.TIME_CODE),
        (replace(FILM, chapters=(Chapter(start=0, end=1, title="One"),)), Loss.CHAPTERS),
        (replace(FILM, tags={"title": "T", "com.apple.quicktime.make": "Apple"}), Loss.TAGS),
        (replace(FILM, programmes=(frozenset({0, 1}), frozenset({7}))), Loss.PICTURE_STREAM),
    ],
)  # fmt: skip
def test_a_loss_is_found(source: Contents, loss: Loss) -> None:
    assert loss in lost(source)


@pytest.mark.parametrize(
    ("sound", "loss"),
    [
        (replace(SOUND, codec="pcm_s16le"), Loss.LOSSLESS_SOUND),
        (replace(SOUND, codec="flac"), Loss.LOSSLESS_SOUND),
        (replace(SOUND, codec="dts", profile="DTS-HD MA"), Loss.LOSSLESS_SOUND),
        (replace(SOUND, channels=6), Loss.CHANNELS),
        (replace(SOUND, tags={"language": "jpn"}), Loss.LANGUAGE),
        (replace(SOUND, disposition=frozenset({"comment"})), Loss.LANGUAGE),
    ],
)
def test_a_loss_of_a_sound_is_found(sound: Stream, loss: Loss) -> None:
    assert loss in lost(replace(FILM, streams=(PICTURE, sound)))


def test_what_is_carried_does_not_count_as_lost() -> None:
    source = replace(
        FILM,
        streams=(
            PICTURE, SOUND, SUBTITLE,
            Stream(index=3, kind="data", codec_tag="tmcd", tags={"timecode": "01:00:00:00"}),
            Stream(index=4, kind="data", codec_tag="text"),
        ),
        chapters=(Chapter(start=0, end=1, title="One"),),
        tags={"title": "T", "creation_time": "2024-05-06T07:08:09.000000Z"},
    )  # fmt: skip
    made = replace(
        source,
        streams=(replace(PICTURE, tags={"timecode": "01:00:00:00"}), SOUND,
            replace(SUBTITLE, codec="mov_text")),
        tags={"title": "T", "creation_time": "2024-05-06T07:08:09Z"},
    )  # fmt: skip
    assert lost(source, made) == set()
    assert lost(
        replace(source, streams=(PICTURE, SOUND, replace(SUBTITLE, codec="ass"))), made
    ) == {Loss.SUBTITLE_STYLE}


def test_a_copy_of_ten_bits_loses_none() -> None:
    assert lost(with_picture(pixel_format="yuv420p10le"), copied=True) == set()


def test_a_turned_or_odd_picture_is_as_large() -> None:
    assert lost(with_picture(width=361, height=640, rotation=90.0)) == set()


def test_what_the_policy_removes_does_not_count_as_lost() -> None:
    source = replace(FILM, tags={"title": "T", "location": "+1+2/"})
    assert lost(source) == {Loss.TAGS}
    assert lost(source, policy="strip_location") == set()
    assert lost(replace(FILM, tags={"title": "Other"}), policy="strip_location") == {Loss.TAGS}
    assert lost(replace(FILM, tags={"title": "Other"}), policy="strip_all") == set()


def test_hidden_frames_are_not_lost() -> None:
    made = replace(MADE, streams=(replace(PICTURE, frames=280), SOUND))
    assert lost(with_picture(codec="vp8"), made) == set()
