"""Layouts of the channels of a sound track, and filters for a layout that every player knows."""

from typing import Final, Literal

from tusd_py.worker.media.contents import Stream

Codec = Literal["aac", "opus"]

MAX_CHANNELS: Final = 8
"""Browsers refuse AAC of more channels."""
STEREO_CHANNELS: Final = 2
STEREO: Final = "stereo"
_ENCODED: Final = {
    "aac": ("mono", STEREO, "3.0", "4.0", "5.0", "5.1", "7.1", "7.1"),
    "opus": ("mono", STEREO, "3.0", "quad", "5.0", "5.1", "6.1", "7.1"),
}
"""Layouts that the codec has a number for, so that every decoder knows them, by number of channels.

``5.1(side)`` and others become the layout of the same number of channels. AAC has none for 6.1.
"""
_KNOWN: Final = frozenset(
    {
        "mono", "stereo", "2.1", "3.0", "3.0(back)", "3.1", "4.0", "4.1", "quad", "quad(side)",
        "5.0", "5.0(side)", "5.1", "5.1(side)", "6.0", "6.0(front)", "6.1", "6.1(back)",
        "6.1(front)", "hexagonal", "7.0", "7.0(front)", "7.1", "7.1(wide)", "7.1(wide-side)",
        "octagonal", "downmix",
    }
)  # fmt: skip
"""Layouts of a source that ffmpeg converts into others."""


def has_known_places(track: Stream) -> bool:
    """Return whether ffmpeg can convert a track's channels into another layout by their places."""
    return track.layout in _KNOWN and track.channels <= MAX_CHANNELS


def encoded_layout(channels: int, codec: Codec) -> str:
    """Return the layout in which a track with this number of channels is encoded.

    Returns: stereo if the number is unknown, or more than browsers play.
    """
    layouts = _ENCODED[codec]
    return layouts[channels - 1] if 1 <= channels <= len(layouts) else STEREO


def converted(layout: str) -> str:
    """Return the filter that converts channels with known places into a layout."""
    return f"aformat=channel_layouts={layout}"


def mixed(channels: int) -> str:
    """Return the filter that mixes channels without known places into stereo.

    It puts every second channel left and the others right. ``<`` keeps the sum from clipping.
    """
    left = "+".join(f"c{number}" for number in range(0, channels, 2))
    right = "+".join(f"c{number}" for number in range(1, channels, 2))
    return f"pan=stereo|c0<{left}|c1<{right}"
