"""Tests command lines of ffmpeg for sounds."""

from support.sound_contents import planned, track

from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.sound_argv import make_argv, tags_of


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
