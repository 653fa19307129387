"""Tests what a web copy lacks of its film, and that a part of a film is refused."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tusd_py.domain.notes import Note
from worker.media.accept import MAX_ERRORS, objection, states_another_length
from worker.media.choose import choose
from worker.media.contents import Chapter, Colour, Contents, Stream
from worker.media.film_facts import film_facts
from worker.media.inventory import Loss, losses
from worker.media.isobmff import Layout, read_layout

PICTURE = Stream(
    index=0, kind="video", codec="h264", profile="High", width=640, height=360, frames=300,
    duration=10.0,
    pixel_format="yuv420p", field_order="progressive", average_rate=Fraction(30),
    colour=Colour("tv", "bt709", "bt709", "bt709"),
)  # fmt: skip
SOUND = Stream(
    index=1, kind="audio", codec="aac", profile="LC", channels=2, layout="stereo", duration=10.0,
    tags={"language": "fra"}, disposition=frozenset({"default"}),
)  # fmt: skip
SUBTITLE = Stream(index=2, kind="subtitle", codec="subrip", tags={"language": "deu"})
FILM = Contents(
    duration=10.0,
    streams=(PICTURE, SOUND),
    tags={"title": "T", "encoder": "x", "major_brand": "qt"},
)
MADE = replace(FILM, tags={"title": "T", "major_brand": "isom"})


def lost(source: Contents, made: Contents = MADE, **how: object) -> set[Loss]:
    chosen = choose(source)
    assert chosen is not None
    return set(losses(source, chosen, made, copied=bool(how.pop("copied", False)), **how))  # type: ignore[arg-type]


def with_picture(**changes: object) -> Contents:
    return replace(FILM, streams=(replace(PICTURE, **changes), SOUND))  # type: ignore[arg-type]


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


# Acceptance.
def objected(source: Contents, made: Contents | None, errors: int = 0) -> Note | None:
    chosen = choose(source)
    assert chosen is not None
    return objection(source, chosen, made, errors=errors, keeps_frames=True)


def test_a_whole_film_is_accepted_although_the_file_held_more() -> None:
    assert objected(FILM, MADE) is None
    assert objected(FILM, MADE, errors=MAX_ERRORS) is None
    # The file is as long as its longest stream, which is a subtitle here.
    assert objected(replace(FILM, duration=60.0), MADE) is None


@pytest.mark.parametrize(
    ("made", "errors", "note"),
    [
        (MADE, MAX_ERRORS + 1, Note.DAMAGED),
        (None, 0, Note.NOT_PLAYABLE),
        (replace(MADE, streams=(SOUND,)), 0, Note.NOT_PLAYABLE),
        (replace(MADE, streams=(PICTURE,)), 0, Note.NOT_PLAYABLE),
        (replace(MADE, streams=(replace(PICTURE, frames=211), SOUND)), 0, Note.DAMAGED),
        (replace(MADE, streams=(replace(PICTURE, duration=0.04, frames=300), SOUND)), 0,
         Note.NOT_AS_LONG),
        (replace(MADE, streams=(PICTURE, replace(SOUND, duration=4.0))), 0, Note.NOT_AS_LONG),
    ],
)  # fmt: skip
def test_a_part_of_a_film_is_refused(made: Contents | None, errors: int, note: Note) -> None:
    assert objected(FILM, made, errors) is note


def test_a_film_may_be_longer_than_its_file_states_if_no_frame_is_repeated() -> None:
    """A transport stream that was joined of several parts states the length of the last part."""
    frames, chosen = PICTURE.frames, choose(FILM)
    assert chosen is not None
    longer = replace(PICTURE, duration=3 * (PICTURE.duration or 0.0))
    made = replace(MADE, streams=(longer, SOUND))
    assert objected(FILM, made) is None
    assert states_another_length(FILM, chosen, made)
    assert not states_another_length(FILM, chosen, MADE)
    repeated = replace(MADE, streams=(replace(longer, frames=3 * (frames or 0)), SOUND))
    assert objected(FILM, repeated) is Note.NOT_AS_LONG


def test_hidden_frames_are_not_missing() -> None:
    made = replace(MADE, streams=(replace(PICTURE, frames=280), SOUND))
    assert objected(with_picture(codec="vp8"), made) is None
    assert objected(with_picture(codec="vp8"), made, errors=1) is Note.DAMAGED
    assert lost(with_picture(codec="vp8"), made) == set()


# Facts.
def test_facts_describe_the_film_without_the_place_of_recording() -> None:
    source = replace(
        with_picture(rotation=-90.0),
        tags={
            "location": "+1+2/",
            "com.apple.quicktime.make": "Apple",
            "creation_time": "2024-05-06T07:08:09Z",
        },
    )
    chosen = choose(source)
    assert chosen is not None
    facts = film_facts(source, chosen)
    assert (facts["width"], facts["height"], facts["rotation"]) == (360, 640, 270)
    assert (facts["duration"], facts["frame_rate"], facts["video_codec"]) == (10.0, 30.0, "h264")
    assert facts["audio"] == [{"codec": "aac", "channels": 2, "language": "fra"}]
    assert (facts["make"], facts["recorded"]) == ("Apple", "2024-05-06T07:08:09Z")
    assert "+1+2/" not in str(facts)


# Layout.
def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


MOVIE = box(b"moov", box(b"mvhd", b"x" * 100) + box(b"trak"))


@pytest.mark.parametrize(
    ("kind", "is_protected"), [(b"encv", True), (b"enca", True), (b"avc1", False)]
)
def test_encrypted_samples_are_found_in_any_track(
    tmp_path: Path, kind: bytes, is_protected: bool
) -> None:
    def track(name: bytes) -> bytes:
        kinds = box(b"stsd", struct.pack(">II", 0, 1) + box(name, bytes(70)))
        return box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", kinds))))

    path = tmp_path / "film"
    path.write_bytes(box(b"ftyp") + box(b"moov", track(b"mp4a") + track(kind)) + box(b"mdat"))
    assert read_layout(path).is_protected is is_protected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (box(b"ftyp") + MOVIE + box(b"mdat", b"x"), (True, False, False, False)),
        (box(b"ftyp") + box(b"mdat", b"x") + MOVIE, (False, False, False, False)),
        (box(b"ftyp") + MOVIE + box(b"moof") + box(b"mdat"), (True, True, False, False)),
        (box(b"ftyp") + MOVIE + box(b"mdat", b"x" * 99)[:-9], (False, False, True, True)),
        (box(b"ftyp") + MOVIE + box(b"mdat") + box(b"uuid"), (True, False, False, True)),
        (box(b"ftyp") + MOVIE + box(b"mdat") + b"trailer of a camera", (True, False, False, True)),
        (box(b"moov", box(b"udta", box(b"GUMI"))) + box(b"mdat"), (True, False, False, True)),
        (
            box(b"moov", box(b"udta", box(b"\xa9xyz", b"+1") + b"\0\0\0\0")) + box(b"mdat"),
            (True, False, False, False),
        ),
        (box(b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 16) + MOVIE, (False, False, False, False)),
        (box(b"ftyp") + MOVIE + struct.pack(">I4s", 0, b"mdat"), (True, False, False, False)),
        (b"", (False, False, False, False)),
        (b"\0\0\0\x04moov" * 9, (False, False, False, True)),
    ],
)
def test_the_layout_of_boxes(
    tmp_path: Path, content: bytes, expected: tuple[bool, bool, bool, bool]
) -> None:
    path = tmp_path / "film"
    path.write_bytes(content)
    fast, fragmented, cut, unknown = expected
    assert read_layout(path) == Layout(
        starts_fast=fast, is_fragmented=fragmented, is_cut=cut, has_unknown=unknown
    )
