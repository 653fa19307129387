"""Tests when the copy of a sound carries all of it."""

from dataclasses import replace

from support.sound_contents import MINUTE, track

from tusd_py.worker.media.contents import Chapter, Contents, Stream
from tusd_py.worker.media.sound_inventory import carries_all


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
