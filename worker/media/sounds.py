"""How each sound track of a film goes on: copied where browsers play it, else as AAC with enough bits for its
channels, with a stereo track beside surround."""

from dataclasses import dataclass
from typing import Final

from worker.media.choose import Chosen
from worker.media.contents import Stream

CHANNEL_BITS: Final = 64_000
"""Bits per second that AAC-LC gets for each channel at least."""
MAX_CHANNELS: Final = 8
"""Browsers refuse AAC of more channels."""
MAX_SAMPLE_RATE: Final = 48_000
STEREO_CHANNELS: Final = 2
_LAYOUT_OF: Final = "aformat=channel_layouts={}"
STEREO: Final = "aformat=channel_layouts=stereo"
_LAYOUTS: Final = {
    1: "mono",
    2: "stereo",
    3: "3.0",
    4: "4.0",
    5: "5.0",
    6: "5.1",
    7: "6.1",
    8: "7.1",
}
"""Layouts that AAC has a number or a table for; ``5.1(side)`` and others become the one of their size."""
_KNOWN_LAYOUTS: Final = frozenset(
    {
        "mono", "stereo", "2.1", "3.0", "3.0(back)", "3.1", "4.0", "4.1", "quad", "quad(side)", "5.0", "5.0(side)",
        "5.1", "5.1(side)", "6.0", "6.0(front)", "6.1", "6.1(back)", "6.1(front)", "hexagonal", "7.0",
        "7.0(front)", "7.1", "7.1(wide)", "7.1(wide-side)", "octagonal", "downmix",
    }
)  # fmt: skip
_FLAGS: Final = frozenset(
    {"dub", "original", "comment", "lyrics", "karaoke", "forced", "hearing_impaired", "visual_impaired"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """One sound track of the web copy. ``bit_rate`` in bits per second."""

    index: int
    """The source's own number of the stream."""
    is_copied: bool = False
    filters: str = ""
    bit_rate: int = 0
    sample_rate: int = 0
    """Hertz; 0: the source's."""
    disposition: str = "0"
    """ffmpeg's flags, joined by +; 0 for none."""


def plan_sounds(
    chosen: Chosen, *, stereo_bit_rate: int, is_broadcast: bool = False
) -> tuple[Sound, ...]:
    """Return the tracks of the web copy: each with all its channels, and surround in stereo too.

    Args: stereo_bit_rate: of encoded stereo, in bits per second; other layouts get the same for each channel.
        is_broadcast: the sound comes in frames of a transmission (ADTS), which begin anywhere and may be
            damaged: these are decoded, since a single one that can't be copied would end the work.
    """
    planned: list[Sound] = []
    channel_rate = max(CHANNEL_BITS, stereo_bit_rate // 2)
    for track in chosen.sounds:
        is_main = track is chosen.main_sound
        is_copied = can_be_copied(track) and not is_broadcast
        has_layout = track.layout in _KNOWN_LAYOUTS and track.channels <= MAX_CHANNELS
        is_surround = track.channels > STEREO_CHANNELS
        if has_layout or not is_surround:
            filters = "" if has_layout and not is_surround else _LAYOUT_OF.format(_layout(track))
            planned.append(
                _as_it_is(track, channel_rate, filters, is_copied=is_copied, is_main=is_main)
            )
        if is_surround:
            planned.append(_stereo(track, 2 * channel_rate, is_main=is_main and not has_layout))
    return tuple(planned)


def can_be_copied(track: Stream) -> bool:
    """Whether every browser plays the track as it is, in MP4."""
    return (
        track.codec == "aac"
        and track.profile not in ("Main", "SSR", "LTP", "LD", "ELD", "HE-AACv2 LD")
        and 0 < track.channels <= MAX_CHANNELS
        and track.sample_rate <= 96_000
    )


def _as_it_is(
    track: Stream, channel_rate: int, filters: str, *, is_copied: bool, is_main: bool
) -> Sound:
    """Return the track with all its channels."""
    disposition = _disposition(track, is_main=is_main)
    if is_copied:
        return Sound(index=track.index, is_copied=True, disposition=disposition)
    return Sound(
        index=track.index,
        filters=filters,
        bit_rate=channel_rate * max(1, track.channels),
        sample_rate=_sample_rate(track),
        disposition=disposition,
    )


def _stereo(track: Stream, bit_rate: int, *, is_main: bool) -> Sound:
    known = track.layout in _KNOWN_LAYOUTS and track.channels <= MAX_CHANNELS
    return Sound(
        index=track.index,
        filters=STEREO if known else mixed(track.channels),
        bit_rate=bit_rate,
        sample_rate=_sample_rate(track),
        disposition=_disposition(track, is_main=is_main),
    )


def mixed(channels: int) -> str:
    """Return the filter that puts every second channel left and the others right: for tracks whose channels
    have no known places. ``<`` keeps the sum from clipping."""
    left = "+".join(f"c{number}" for number in range(0, channels, 2))
    right = "+".join(f"c{number}" for number in range(1, channels, 2))
    return f"pan=stereo|c0<{left}|c1<{right}"


def _layout(track: Stream) -> str:
    return _LAYOUTS.get(track.channels, "stereo")


def _sample_rate(track: Stream) -> int:
    return MAX_SAMPLE_RATE if track.sample_rate > MAX_SAMPLE_RATE else 0


def _disposition(track: Stream, *, is_main: bool) -> str:
    flags = sorted(track.disposition & _FLAGS)
    return "+".join((["default"] if is_main else []) + flags) or "0"
