"""Tests which web copy is made of a sound, by the contents of its file."""

from dataclasses import replace

import pytest

from worker.media.contents import Chapter, Contents, Stream
from worker.media.sound_argv import make_argv, tags_of
from worker.media.sound_choice import cover_of, is_lossless, is_sound, tracks_of
from worker.media.sound_facts import sound_facts
from worker.media.sound_inventory import carries_all
from worker.media.sound_plan import Copy, Encode, Wishes, plan_sound, plays

MINUTE = 60.0


def track(codec: str, index: int = 0, **facts: object) -> Stream:
    given = {"channels": 2, "layout": "stereo", "sample_rate": 44100, "duration": MINUTE, **facts}
    return Stream(index=index, kind="audio", codec=codec, **given)  # type: ignore[arg-type]


def planned(
    content_type: str,
    *tracks: Stream,
    size: int = 10_000_000,
    duration: float | None = MINUTE,
    wishes: Wishes | None = None,
    changes_loudness: bool = False,
    has_unwanted_tags: bool = False,
) -> Copy | Encode | None:
    contents = Contents(duration=duration, streams=tracks)
    return plan_sound(
        contents, tracks, content_type, wishes or Wishes(), size=size,
        changes_loudness=changes_loudness, has_unwanted_tags=has_unwanted_tags,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content_type", "codec"),
    [
        ("audio/mpeg", "mp3"), ("audio/mp4", "aac"), ("video/mp4", "aac"), ("audio/aac", "aac"),
        ("audio/ogg", "opus"), ("audio/ogg", "vorbis"), ("video/webm", "opus"),
        ("audio/mp4", "mp3"),
        ("audio/wav", "pcm_alaw"),
    ],
)  # fmt: skip
def test_what_browsers_play_is_left_alone(content_type: str, codec: str) -> None:
    assert planned(content_type, track(codec)) is None


@pytest.mark.parametrize(
    ("content_type", "codec", "container", "is_copied"),
    [
        ("audio/x-ms-wma", "wmav2", "m4a", False),
        ("audio/mpeg", "mp2", "m4a", False),
        ("audio/amr", "amr_nb", "m4a", False),
        ("audio/mp4", "alac", "m4a", False),
        ("audio/mp4", "eac3", "m4a", False),
        ("audio/ogg", "speex", "m4a", False),
        ("video/x-matroska", "aac", "m4a", True),
        ("video/mp2t", "aac", "m4a", True),
        ("video/quicktime", "aac", "m4a", True),
        ("audio/wav", "mp3", "mp3", True),
        ("video/x-matroska", "mp3", "mp3", True),
        ("video/x-matroska", "opus", "webm", True),
        ("video/x-matroska", "flac", "m4a", False),
        ("audio/wav", "adpcm_ms", "m4a", False),
        ("audio/wav", "pcm_f64le", "m4a", False),
    ],
)
def test_what_browsers_do_not_play_is_copied_where_that_is_enough(
    content_type: str, codec: str, container: str, is_copied: bool
) -> None:
    plan = planned(content_type, track(codec))
    assert isinstance(plan, Copy if is_copied else Encode)
    assert plan.container.name == container
    assert [one.is_copied for one in plan.tracks] == [is_copied]
    assert not isinstance(plan, Encode) or plan.is_needed


def test_sound_without_loss_gets_a_smaller_copy_only_if_that_is_a_gain() -> None:
    plan = planned("audio/flac", track("flac"), size=5_000_000)
    assert isinstance(plan, Encode)
    assert not plan.is_needed
    assert planned("audio/flac", track("flac"), size=1_000_000) is None
    assert planned("audio/wav", track("pcm_s16le"), size=900_000, duration=MINUTE) is None


@pytest.mark.parametrize(
    ("channels", "layout", "mix", "made"),
    [
        (1, "mono", "", 1),
        (2, "stereo", "", 2),
        (6, "5.1", "", 6),
        (6, "5.1(side)", "aformat=channel_layouts=5.1", 6),
        (8, "7.1(wide)", "aformat=channel_layouts=7.1", 8),
        (3, "2.1", "aformat=channel_layouts=3.0", 3),
        (7, "6.1", "aformat=channel_layouts=7.1", 7),
        (2, "", "aformat=channel_layouts=stereo", 2),
        (0, "", "", 2),
        (4, "", "pan=stereo|c0<c0+c2|c1<c1+c3", 2),
        (4, "cube", "pan=stereo|c0<c0+c2|c1<c1+c3", 2),
        (16, "hexadecagonal",
         "pan=stereo|c0<c0+c2+c4+c6+c8+c10+c12+c14|c1<c1+c3+c5+c7+c9+c11+c13+c15", 2),
    ],
)  # fmt: skip
def test_each_channel_gets_enough_bits_and_a_known_place(
    channels: int, layout: str, mix: str, made: int
) -> None:
    for wanted, least in ((48_000, 64_000), (256_000, 128_000)):
        wishes = Wishes(stereo_bit_rate=wanted)
        plan = planned(
            "audio/wav", track("pcm_s16le", channels=channels, layout=layout), wishes=wishes
        )
        assert isinstance(plan, Encode)
        assert plan.tracks[0].mix == mix
        assert plan.tracks[0].bit_rate == least * made


@pytest.mark.parametrize(
    ("codec", "facts"),
    [
        ("aac", {"channels": 16, "layout": ""}),
        ("aac", {"profile": "Main"}),
        ("opus", {"channels": 9, "layout": ""}),
        ("vorbis", {"sample_rate": 192_000}),
    ],
)
def test_more_than_browsers_play_is_encoded_again(codec: str, facts: dict[str, object]) -> None:
    content_type = {"aac": "audio/mp4"}.get(codec, "audio/ogg")
    assert not plays((track(codec, **facts),), content_type)
    plan = planned(content_type, track(codec, **facts))
    assert isinstance(plan, Encode)
    assert plan.is_needed
    assert plan.tracks[0].sample_rate <= 48_000


def test_only_other_tracks_are_encoded_and_loudness_changes_all() -> None:
    tracks = (track("aac"), track("ac3", 1))
    plan = planned("video/x-matroska", *tracks)
    assert isinstance(plan, Encode)
    assert [one.is_copied for one in plan.tracks] == [True, False]
    plan = planned("audio/mp4", track("aac"), changes_loudness=True)
    assert isinstance(plan, Encode)
    assert not plan.tracks[0].is_copied


def test_opus_by_setting() -> None:
    plan = planned("audio/wav", track("pcm_s16le", sample_rate=96000), wishes=Wishes(codec="opus"))
    assert isinstance(plan, Encode)
    assert (plan.container.name, plan.tracks[0].sample_rate) == ("webm", 48_000)


def test_nothing_is_made_without_a_wish() -> None:
    assert planned("audio/x-ms-wma", track("wmav2"), wishes=Wishes(web=False)) is None


def test_recordings_without_length_and_unwanted_tags_are_copied() -> None:
    assert isinstance(planned("video/webm", track("opus"), duration=None), Copy)
    plan = planned("audio/mpeg", track("mp3"), has_unwanted_tags=True)
    assert isinstance(plan, Copy)
    assert plan.container.name == "mp3"


def test_covers_and_pictures_of_chapters_are_no_film() -> None:
    cover = Stream(index=1, kind="video", codec="mjpeg", disposition=frozenset({"attached_pic"}))
    slides = Stream(index=1, kind="video", codec="mjpeg", frames=5)
    film = Stream(index=1, kind="video", codec="h264", frames=50)

    def sounds(family: str, *streams: Stream) -> bool:
        return is_sound(Contents(duration=1.0, streams=streams), family)

    assert sounds("video", track("aac"))
    assert sounds("audio", track("aac"), cover)
    assert sounds("audio", track("aac"), slides)
    assert not sounds("video", track("aac"), slides)
    assert not sounds("audio", track("aac"), film)
    assert not sounds("audio", cover)
    assert not sounds("audio", track("aac", frames=0))
    assert cover_of(Contents(duration=1.0, streams=(track("aac"), cover))) is cover


def test_the_main_track_is_the_default_one_and_never_the_commentary() -> None:
    commentary = track("aac", 0, disposition=frozenset({"comment"}))
    usual, default = track("aac", 1), track("aac", 2, disposition=frozenset({"default"}))
    contents = Contents(duration=1.0, streams=(commentary, usual, default))
    assert [one.index for one in tracks_of(contents)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("codec", "lossless"),
    [
        ("flac", True), ("pcm_s24le", True), ("dsd_lsbf", True), ("pcm_mulaw", False),
        ("aac", False), ("wmalossless", True),
    ],
)  # fmt: skip
def test_which_sounds_are_without_loss(codec: str, lossless: bool) -> None:
    assert is_lossless(track(codec)) is lossless


def test_a_copy_carries_all_only_when_nothing_is_missing() -> None:
    source = Contents(
        duration=MINUTE,
        streams=(track("aac", tags={"language": "fra"}),),
        chapters=(Chapter(start=0, end=1, title="a"),),
        tags={"title": "t", "location": "+1+2/", "encoder": "x"},
    )
    made = replace(source, tags={"title": "t", "location": "+1+2/"})
    assert carries_all(source, made, "keep")
    without_place = replace(source, tags={"title": "t"})
    assert not carries_all(source, without_place, "keep")
    assert carries_all(source, without_place, "strip_location")
    assert carries_all(source, replace(source, tags={}), "strip_all")
    cover = Stream(index=1, kind="video", codec="mjpeg", disposition=frozenset({"attached_pic"}))
    text = Stream(index=2, kind="subtitle", codec="mov_text")
    for lacking in (
        replace(made, chapters=()),
        replace(made, is_complete=False),
        replace(made, streams=(track("aac"),)),
        replace(made, streams=(track("aac", tags={"language": "fra"}, duration=30.0),)),
    ):
        assert not carries_all(source, lacking, "keep")
    for more in (cover, text):
        assert not carries_all(replace(source, streams=(*source.streams, more)), made, "keep")


def test_tags_in_the_command_line_follow_the_policy() -> None:
    sound = track("speex", tags={"title": "t", "language": "fra"})
    contents = Contents(duration=1.0, streams=(sound,), tags={"location": "+1+2/"})
    plan = planned("audio/ogg", sound)
    assert plan is not None

    def argv(policy: str) -> str:
        tags = tags_of(contents, (sound,), policy)  # type: ignore[arg-type]
        given = make_argv("ffmpeg", plan, source="i", output="o", demuxer="ogg", tags=tags)
        return " ".join(given)

    assert "location" not in argv("keep")
    assert "-metadata location= " in argv("strip_location")
    assert "-map_metadata -1 -map_metadata:s -1 -map_chapters 0" in argv("strip_all")
    assert "-metadata:s:a:0 language=fra" in argv("strip_all")


def test_facts_are_short_and_without_the_place() -> None:
    contents = Contents(
        duration=MINUTE,
        streams=(track("mp3"),),
        tags={"title": "x" * 5000, "artist": "a", "location": "+1+2/", "track": "3/9"},
    )
    facts = sound_facts(contents, contents.streams, None)
    assert facts["title"] == "x" * 200
    assert (facts["artist"], facts["track"], facts["duration"]) == ("a", "3/9", MINUTE)
    assert "+1+2/" not in str(facts)
