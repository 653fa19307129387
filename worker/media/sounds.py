"""Plans the sound tracks of a film's web copy.

A track that browsers play is copied; others become AAC with enough bits for their channels. A
stereo track is added to each surround track.
"""

from dataclasses import dataclass
from typing import Final

from tusd_py.worker.media.channel_layouts import (
    MAX_CHANNELS,
    STEREO,
    STEREO_CHANNELS,
    converted,
    encoded_layout,
    has_known_places,
    mixed,
)
from tusd_py.worker.media.choose import Chosen
from tusd_py.worker.media.contents import Stream

CHANNEL_BITS: Final = 64_000
"""Fewest bits per second of AAC-LC for each channel."""
MAX_SAMPLE_RATE: Final = 48_000
_FLAGS: Final = frozenset(
    {"dub", "original", "comment", "lyrics", "karaoke", "forced", "hearing_impaired",
     "visual_impaired"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Plans one sound track of the web copy. ``bit_rate`` in bits per second."""

    index: int
    """Number of the stream in the source."""
    is_copied: bool = False
    filters: str = ""
    bit_rate: int = 0
    sample_rate: int = 0
    """Sample rate in hertz; 0 keeps that of the source."""
    disposition: str = "0"
    """Flags of ffmpeg, joined by +; 0 for none."""


def plan_sounds(
    chosen: Chosen, *, stereo_bit_rate: int, is_broadcast: bool = False
) -> tuple[Sound, ...]:
    """Return the tracks of the web copy: each with all its channels, and surround in stereo, too.

    Args: stereo_bit_rate: bit rate of encoded stereo, in bits per second; other layouts get the
            same for each channel.
        is_broadcast: whether the sound comes in frames of a transmission (ADTS). They begin
            anywhere and may be damaged, so they are decoded: a single frame that can't be copied
            would end the work.
    """
    planned: list[Sound] = []
    channel_rate = max(CHANNEL_BITS, stereo_bit_rate // 2)
    for track in chosen.sounds:
        is_main = track is chosen.main_sound
        is_copied = can_be_copied(track) and not is_broadcast
        has_layout = has_known_places(track)
        is_surround = track.channels > STEREO_CHANNELS
        if has_layout or not is_surround:
            layout = encoded_layout(track.channels, "aac")
            filters = "" if has_layout and not is_surround else converted(layout)
            planned.append(
                _as_it_is(track, channel_rate, filters, is_copied=is_copied, is_main=is_main)
            )
        if is_surround:
            planned.append(_stereo(track, 2 * channel_rate, is_main=is_main and not has_layout))
    return tuple(planned)


def can_be_copied(track: Stream) -> bool:
    """Return whether every browser plays the track as it is, in MP4."""
    return (
        track.codec == "aac"
        and track.profile not in ("Main", "SSR", "LTP", "LD", "ELD", "HE-AACv2 LD")
        and 0 < track.channels <= MAX_CHANNELS
        and track.sample_rate <= 96_000
    )


def _as_it_is(
    track: Stream, channel_rate: int, filters: str, *, is_copied: bool, is_main: bool
) -> Sound:
    """Return the plan for the track with all its channels."""
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
    return Sound(
        index=track.index,
        filters=converted(STEREO) if has_known_places(track) else mixed(track.channels),
        bit_rate=bit_rate,
        sample_rate=_sample_rate(track),
        disposition=_disposition(track, is_main=is_main),
    )


def _sample_rate(track: Stream) -> int:
    return MAX_SAMPLE_RATE if track.sample_rate > MAX_SAMPLE_RATE else 0


def _disposition(track: Stream, *, is_main: bool) -> str:
    flags = sorted(track.disposition & _FLAGS)
    return "+".join((["default"] if is_main else []) + flags) or "0"
