"""Tests into which layouts of channels a sound is brought."""

import pytest

from tusd_py.worker.media.channel_layouts import encoded_layout, has_known_places, mixed
from tusd_py.worker.media.contents import Stream


@pytest.mark.parametrize("codec", ["aac", "opus"])
def test_a_number_that_no_browser_plays_is_encoded_as_stereo(codec: str) -> None:
    assert encoded_layout(2, codec) == "stereo"  # type: ignore[arg-type]
    for channels in (0, -1, 9, 512):
        assert encoded_layout(channels, codec) == "stereo"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("layout", "channels", "expected"),
    [("5.1", 6, True), ("", 6, False), ("nonsense", 2, False), ("5.1", 512, False)],
)
def test_places_are_known_by_the_name_of_a_layout(
    layout: str, channels: int, expected: bool
) -> None:
    track = Stream(index=0, kind="audio", layout=layout, channels=channels)
    assert has_known_places(track) is expected


def test_every_channel_is_heard_on_one_side() -> None:
    assert mixed(3) == "pan=stereo|c0<c0+c2|c1<c1"
