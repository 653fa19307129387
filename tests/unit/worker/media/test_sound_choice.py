"""Tests which files are sounds, and which of their tracks is the main one."""

import pytest
from support.sound_contents import track

from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.sound_choice import cover_of, is_lossless, is_sound, tracks_of


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
