"""Tests the facts of a film that users see."""

import json
from dataclasses import replace
from typing import Any

from support.film_contents import with_picture

from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.contents import MAX_SHOWN_TRACKS, Contents, Stream
from tusd_py.worker.media.film_facts import film_facts
from tusd_py.worker.media.sound_facts import sound_facts


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


def test_facts_of_very_many_tracks_are_bounded() -> None:
    picture = Stream(index=0, kind="video", codec="h264", width=64, height=64, duration=1.0)
    tags = {"language": "a" * 100_000}
    sound = Stream(index=1, kind="audio", codec="aac", channels=2, tags=tags)
    text = Stream(index=2, kind="subtitle", codec="subrip", tags=tags)
    others = [replace(one, index=number) for number in range(1, 500) for one in (sound, text)]
    contents = Contents(duration=1.0, streams=(picture, *others))
    chosen = choose(contents)
    assert chosen is not None
    facts: dict[str, Any] = film_facts(contents, chosen)
    assert (len(facts["audio"]), len(facts["subtitles"])) == (MAX_SHOWN_TRACKS, MAX_SHOWN_TRACKS)
    assert facts["subtitles"][0] == facts["audio"][0]["language"] == "und"
    assert len(json.dumps(facts)) < 32 << 10
    sounds: dict[str, Any] = sound_facts(contents, chosen.sounds, None)
    assert len(sounds["audio"]) == MAX_SHOWN_TRACKS
    assert len(json.dumps(sounds)) < 32 << 10
