"""Decides by a sound's contents which web copy to make, before any time is spent on it."""

from dataclasses import dataclass, replace
from typing import Final

from tusd_py.worker.media.channel_layouts import (
    MAX_CHANNELS,
    STEREO_CHANNELS,
    Codec,
    converted,
    encoded_layout,
    has_known_places,
    mixed,
)
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.inventory import MetadataPolicy
from tusd_py.worker.media.sound_choice import is_lossless
from tusd_py.worker.media.sounds import CHANNEL_BITS, MAX_SAMPLE_RATE, can_be_copied

MAX_PLAYED_RATE: Final = 96_000
"""Highest sample rate in hertz: not every browser and sound card plays more."""
OPUS_RATE: Final = 48_000
_PCM: Final = frozenset(
    {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_alaw", "pcm_mulaw"}
)
_PLAYED: Final = {
    "audio/mpeg": frozenset({"mp3"}),
    "audio/aac": frozenset({"aac"}),
    "audio/flac": frozenset({"flac"}),
    "audio/wav": _PCM,
    "audio/ogg": frozenset({"opus", "vorbis", "flac"}),
    "audio/mp4": frozenset({"aac", "mp3"}),
    "video/mp4": frozenset({"aac", "mp3"}),
    "video/webm": frozenset({"opus", "vorbis"}),
}
"""Codecs that browsers play, by the media type of the file that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Describes a kind of file that browsers play."""

    name: str
    muxer: str
    demuxer: str
    content_type: str
    ext: str
    copied: frozenset[str]
    """Codecs that are copied into it without encoding them again."""
    has_cover: bool
    """Whether it has a place for a picture."""


M4A: Final = Container(
    name="m4a", muxer="ipod", demuxer="mov", content_type="audio/mp4", ext=".m4a",
    copied=frozenset({"aac"}), has_cover=True,
)  # fmt: skip
MP3: Final = Container(
    name="mp3", muxer="mp3", demuxer="mp3", content_type="audio/mpeg", ext=".mp3",
    copied=frozenset({"mp3"}), has_cover=True,
)  # fmt: skip
OGG: Final = Container(
    name="ogg", muxer="ogg", demuxer="ogg", content_type="audio/ogg", ext=".ogg",
    copied=frozenset({"opus", "vorbis", "flac"}), has_cover=False,
)  # fmt: skip
WEBM: Final = Container(
    name="webm", muxer="webm", demuxer="matroska", content_type="audio/webm", ext=".webm",
    copied=frozenset({"opus", "vorbis"}), has_cover=False,
)  # fmt: skip
FLAC: Final = Container(
    name="flac", muxer="flac", demuxer="flac", content_type="audio/flac", ext=".flac",
    copied=frozenset({"flac"}), has_cover=True,
)  # fmt: skip
_BY_CODEC: Final[dict[Codec, Container]] = {"aac": M4A, "opus": WEBM}
_SAME: Final = {
    "audio/mpeg": MP3,
    "audio/flac": FLAC,
    "audio/ogg": OGG,
    "audio/mp4": M4A,
    "video/mp4": M4A,
    "audio/aac": M4A,
    "video/webm": WEBM,
}
"""Container of a copy that keeps the kind of its source, by the source's media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Holds what the settings want of sounds. Rates in bits per second."""

    web: bool = True
    codec: Codec = "aac"
    stereo_bit_rate: int = 128_000
    gain_ratio: float = 0.95
    metadata: MetadataPolicy = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Plans one track of the web copy. ``bit_rate`` in bits per second."""

    index: int
    """Number of the stream in the source."""
    is_copied: bool = False
    mix: str = ""
    """Filter that gives the track a layout that browsers play; '' if it has one."""
    bit_rate: int = 0
    sample_rate: int = 0
    """Sample rate in hertz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Plans to copy the tracks into another file without encoding them again."""

    container: Container
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode:
    """Plans to encode the tracks; those that browsers play already may be copied."""

    container: Container
    tracks: tuple[Track, ...]
    is_needed: bool
    """Whether the copy is needed in any case; otherwise it is used only if it is a gain."""


def plan_sound(
    contents: Contents,
    tracks: tuple[Stream, ...],
    content_type: str,
    wishes: Wishes,
    *,
    size: int,
    changes_loudness: bool = False,
    has_unwanted_tags: bool = False,
) -> Copy | Encode | None:
    """Return the plan for the web copy of a sound; None if the file plays as it is.

    Args: content_type: media type of the content. size: size of the file in bytes.
        changes_loudness: whether the loudness must be changed. has_unwanted_tags: whether the
        settings remove tags of it.
    """
    if not wishes.web:
        return None
    encoded = encoding(tracks, wishes, copies=not changes_loudness)
    needed = Encode(container=_BY_CODEC[wishes.codec], tracks=encoded, is_needed=True)
    if changes_loudness:
        return needed
    copied = tuple(Track(index=one.index, is_copied=True) for one in tracks)
    if not plays(tracks, content_type):
        container = _container_for(tracks)
        return needed if container is None else Copy(container=container, tracks=copied)
    if all(map(is_lossless, tracks)) and _is_gain(contents, encoded, wishes, size):
        return replace(needed, is_needed=False)
    same = _SAME.get(content_type)
    can_not_be_searched = contents.duration is None and same is WEBM
    if same is not None and (can_not_be_searched or has_unwanted_tags):
        return Copy(container=same, tracks=copied)
    return None


def plays(tracks: tuple[Stream, ...], content_type: str) -> bool:
    """Return whether browsers play all tracks in the file that they are in."""
    codecs = _PLAYED.get(content_type, frozenset())
    return all(track.codec in codecs and _is_played(track) for track in tracks)


def encoding(tracks: tuple[Stream, ...], wishes: Wishes, *, copies: bool) -> tuple[Track, ...]:
    """Return the tracks of a copy in the wanted codec.

    Args: copies: whether tracks that fit are copied without encoding them again.
    """
    copied = _BY_CODEC[wishes.codec].copied if copies else frozenset()
    return tuple(
        Track(index=one.index, is_copied=True)
        if one.codec in copied and _is_played(one)
        else _encoded(one, wishes)
        for one in tracks
    )


def _encoded(track: Stream, wishes: Wishes) -> Track:
    channels, mix = _places(track, wishes.codec)
    rate = track.sample_rate or MAX_SAMPLE_RATE
    return Track(
        index=track.index,
        mix=mix,
        bit_rate=max(CHANNEL_BITS, wishes.stereo_bit_rate // 2) * channels,
        sample_rate=OPUS_RATE if wishes.codec == "opus" else min(rate, MAX_SAMPLE_RATE),
    )


def _places(track: Stream, codec: Codec) -> tuple[int, str]:
    """Return the number of channels that are encoded, and the filter that arranges them."""
    channels = track.channels
    if not channels:
        return STEREO_CHANNELS, ""
    if channels > STEREO_CHANNELS and not has_known_places(track):
        return STEREO_CHANNELS, mixed(channels)
    layout = encoded_layout(channels, codec)
    return channels, "" if track.layout == layout else converted(layout)


def _is_played(track: Stream) -> bool:
    if track.codec == "aac":
        return can_be_copied(track)
    return track.channels <= MAX_CHANNELS and track.sample_rate <= MAX_PLAYED_RATE


def _container_for(tracks: tuple[Stream, ...]) -> Container | None:
    """Return the container into which the tracks are copied for browsers; None if none fits."""
    if not all(map(_is_played, tracks)):
        return None
    codecs = {one.codec for one in tracks}
    for container in (M4A, WEBM) if len(tracks) > 1 else (M4A, MP3, WEBM):
        if codecs <= container.copied:
            return container
    return None


def _is_gain(contents: Contents, encoded: tuple[Track, ...], wishes: Wishes, size: int) -> bool:
    """Return whether the encoded tracks will probably be smaller, as far as the settings want."""
    if contents.duration is None:
        return True
    expected = sum(one.bit_rate for one in encoded) * contents.duration / 8
    return expected < wishes.gain_ratio * size
