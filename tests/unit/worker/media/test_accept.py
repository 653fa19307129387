"""Tests that a part of a film is refused as its copy."""

from dataclasses import replace

import pytest
from support.film_contents import FILM, MADE, PICTURE, SOUND, with_picture

from tusd_py.domain.notes import Note
from tusd_py.worker.media.accept import MAX_ERRORS, objection, states_another_length
from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.contents import Contents


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
