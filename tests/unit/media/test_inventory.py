"""The audit of originals finds each kind of loss from ffprobe's facts about two files."""

from pathlib import Path
from typing import Any

import pytest
from media.inventory import lost
from media.measure import Media

PICTURE = {
    "index": 0,
    "codec_type": "video",
    "codec_name": "h264",
    "pix_fmt": "yuv420p",
    "width": 320,
    "height": 180,
}
SOUND = {
    "index": 1,
    "codec_type": "audio",
    "codec_name": "aac",
    "channels": 2,
    "tags": {"language": "fre"},
}
TEXT = {"index": 2, "codec_type": "subtitle", "codec_name": "mov_text", "tags": {"language": "fre"}}


def media(*streams: dict[str, Any], **facts: Any) -> Media:
    found = Media(Path("unread"))
    found.facts = {"streams": list(streams), "format": {"format_name": "mov"}, **facts}
    return found


def test_what_is_the_same_is_no_loss() -> None:
    whole = media(PICTURE, SOUND, TEXT, chapters=[{"tags": {"title": "One"}}])
    assert lost(whole, media(PICTURE, SOUND, TEXT, chapters=[{"tags": {"title": "One"}}])) == []


@pytest.mark.parametrize(
    ("sent", "web", "loss"),
    [
        ([PICTURE, PICTURE, SOUND], [PICTURE, SOUND], "1 of 2 pictures"),
        ([PICTURE, SOUND, SOUND], [PICTURE, SOUND], "1 of 2 sounds"),
        ([PICTURE, SOUND], [PICTURE, {**SOUND, "tags": {}}], "sound in fre"),
        ([PICTURE, {**SOUND, "channels": 6}], [PICTURE, SOUND], "6 channels to 2"),
        ([PICTURE, TEXT], [PICTURE], "1 of 1 subtitles"),
        ([{**PICTURE, "pix_fmt": "yuv420p10le"}], [PICTURE], "bit depth"),
        ([{**PICTURE, "pix_fmt": "yuva420p"}], [PICTURE], "alpha"),
        ([{**PICTURE, "tags": {"alpha_mode": "1"}}], [PICTURE], "alpha"),
        ([{**PICTURE, "codec_name": "prores"}], [PICTURE], "the prores master"),
        ([{**PICTURE, "side_data_list": [{"side_data_type": "Spherical Mapping"}]}], [PICTURE],
         "Spherical Mapping"),
        ([PICTURE, {"codec_type": "data", "codec_tag_string": "gpmd"}], [PICTURE], "data (gpmd)"),
        ([PICTURE, {"codec_type": "video", "disposition": {"attached_pic": 1}}], [PICTURE],
         "the cover"),
        ([{**PICTURE, "tags": {"title": "Birthday"}}], [PICTURE], "tag title"),
        ([{**PICTURE, "width": 3840, "height": 2160}], [PICTURE],
         "size (3840, 2160) to (320, 180)"),
    ],
)  # fmt: skip
def test_each_loss_is_found(
    sent: list[dict[str, Any]], web: list[dict[str, Any]], loss: str
) -> None:
    assert loss in lost(media(*sent), media(*web))
    assert loss not in lost(media(*sent), media(*sent))


def test_lost_chapters_are_found() -> None:
    assert lost(media(PICTURE, chapters=[{"tags": {"title": "One"}}]), media(PICTURE)) == [
        "1 chapters"
    ]
