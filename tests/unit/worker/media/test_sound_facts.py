"""Tests the facts of a sound that users see."""

from support.sound_contents import MINUTE, track

from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.sound_facts import sound_facts


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
