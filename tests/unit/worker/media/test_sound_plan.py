"""Tests which web copy is made of a sound, by the contents of its file."""

import pytest
from support.sound_contents import MINUTE, planned, track

from tusd_py.worker.media.contents import Stream
from tusd_py.worker.media.sound_plan import Copy, Encode, Wishes, encoding, plays


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


@pytest.mark.parametrize("channels", [9, 512])
def test_a_filter_for_many_channels_fits_into_a_command_line(channels: int) -> None:
    (track,) = encoding((Stream(index=0, kind="audio", channels=channels),), Wishes(), copies=False)
    assert len(track.mix) < 4096
