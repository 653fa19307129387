"""Tests which streams of a file are its film."""

from dataclasses import replace

import pytest
from support.planned_films import PICTURE, SOUND, film

from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.contents import Stream

# Which streams are the film.
THUMBNAIL = Stream(
    index=0, kind="video", codec="mjpeg", frames=1, duration=0.04, width=4000, height=3000
)


@pytest.mark.parametrize(
    "other",
    [
        THUMBNAIL,
        replace(THUMBNAIL, frames=None, disposition=frozenset({"attached_pic", "default"})),
        replace(THUMBNAIL, codec="png", disposition=frozenset({"timed_thumbnails"}), frames=9),
        replace(THUMBNAIL, codec="h264", frames=1, disposition=frozenset({"default"})),
        replace(THUMBNAIL, codec="h264", frames=0, duration=None),
        replace(THUMBNAIL, codec="mjpeg", frames=None, duration=None),
    ],
)
def test_a_thumbnail_before_the_film_is_not_the_film(other: Stream) -> None:
    found = choose(film(other, replace(PICTURE, index=1), replace(SOUND, index=2)))
    assert found is not None
    assert found.picture.index == 1


def test_of_two_pictures_of_the_same_length_the_default_one_is_the_film() -> None:
    rear = replace(PICTURE, width=1920, height=1080, disposition=frozenset())
    found = choose(film(rear, replace(PICTURE, index=1)))
    assert found is not None
    assert found.picture.index == 1
    alike = choose(film(replace(PICTURE, width=320, height=180), replace(PICTURE, index=1)))
    assert alike is not None
    assert alike.picture.index == 1


def test_sound_and_subtitles_are_those_of_the_pictures_programme() -> None:
    streams = (
        replace(PICTURE, width=320, disposition=frozenset()),
        replace(PICTURE, index=1, disposition=frozenset()),
        replace(SOUND, index=2),
        replace(SOUND, index=3),
        Stream(index=4, kind="subtitle", codec="subrip"),
    )
    found = choose(film(*streams, programmes=(frozenset({0, 2}), frozenset({1, 3}))))
    assert found is not None
    assert (found.picture.index, [one.index for one in found.sounds]) == (1, [3])
    assert found.subtitles == ()


def test_a_file_of_covers_and_sound_is_no_film() -> None:
    assert choose(film(replace(THUMBNAIL, disposition=frozenset({"attached_pic"})), SOUND)) is None
    assert choose(film(THUMBNAIL)) is None


def test_a_track_without_samples_is_no_sound() -> None:
    none, unsaid = replace(SOUND, frames=0), replace(SOUND, frames=None)
    for contents, expected in (
        (film(PICTURE, none), 0),
        (film(PICTURE, unsaid, format_name="mov,mp4"), 0),
        (film(PICTURE, unsaid, format_name="matroska,webm"), 1),
        (film(replace(PICTURE, frames=None), unsaid, format_name="mov,mp4"), 1),
        # A file in fragments, whose picture was counted by reading it.
        (film(replace(PICTURE, is_measured=True), unsaid, format_name="mov,mp4"), 1),
    ):
        found = choose(contents)
        assert found is not None
        assert len(found.sounds) == expected
