"""Decides by a film's contents whether to keep, copy or encode it, before any work on it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from tusd_py.domain.notes import Note
from tusd_py.worker.media.choose import Chosen
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.inventory import MetadataPolicy, content_tags, is_location
from tusd_py.worker.media.isobmff import Layout
from tusd_py.worker.media.levels import Level, fastest, fitted
from tusd_py.worker.media.pictures import Picture, plan_picture
from tusd_py.worker.media.pixel_format import pixel_format
from tusd_py.worker.media.sounds import Sound, can_be_copied, plan_sounds

Container = Literal["mp4", "webm", ""]

BROADCAST: Final = ("mpegts", "mpeg")
"""Demuxers of the containers of television."""
BITS_PER_PIXEL: Final = 0.05
"""Rate that x264 needs for a usual film at CRF 23: at it or below, encoding again is no gain."""
ONE_READ_BYTES: Final = 32 << 10
"""Bytes that a browser reads at once (Chromium's media cache has blocks of 32 KiB).

In a file that is no larger, the browser has the index with the first read, wherever it stands.
"""
SOUND_BITS: Final = 128_000
"""Bit rate that is assumed for a sound track whose bit rate is unknown."""
_PLAIN_H264: Final = ("Constrained Baseline", "Baseline", "Main", "High", "Progressive High", "")
_WEB_SOUNDS: Final = {"mp4": ("aac", "mp3"), "webm": ("opus", "vorbis")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Packaging:
    """Describes the file around the streams."""

    demuxer: str
    container: Container = ""
    """The file's container, if browsers play it; '' for any other."""
    layout: Layout | None = None
    """Layout of an MP4 or MOV file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Holds what the settings want of films. Sizes in pixels, rates per second."""

    crf: int = 23
    preset: str = "veryfast"
    stereo_bit_rate: int = 128_000
    max_side: int = 0
    max_short_side: int = 0
    max_frame_rate: float = 0.0
    max_level: Level = "6.2"
    always_playable: bool = True
    deinterlace: bool = True
    metadata: MetadataPolicy = "keep"
    marked: bool = False
    """Whether a watermark is drawn; then every film is encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Plans to make nothing: the film is stored as it was sent."""

    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Plans to copy the streams into another file without encoding them again."""

    container: Container
    sounds: tuple[int, ...]
    subtitles: tuple[int, ...]
    tags: "TagChanges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encode:
    """Plans to encode the picture again, into an MP4 with H.264 and AAC."""

    picture: Picture
    sounds: tuple[Sound, ...]
    subtitles: tuple[int, ...]
    tags: "TagChanges"
    crf: int
    preset: str
    otherwise: "Copy | Keep | None"
    """Plan for the case that the result is no gain.

    None: the result is used in any case, since browsers do not play the film as it is.
    """


@dataclass(frozen=True, slots=True)
class TagChanges:
    """Describes which tags do not go into the new file."""

    strips_all: bool = False
    recorded: str = ""
    """Date of the recording, which always stays."""
    removed: tuple[str, ...] = ()
    """Names of the file's tags to remove, in lower case: ffmpeg ignores case."""
    needs_free_names: bool = False
    """Whether there are tags for which MP4 defines no place."""


def plan_film(
    contents: Contents,
    chosen: Chosen,
    wishes: Wishes,
    packaging: Packaging,
    *,
    has_tone_mapping: bool,
) -> Keep | Copy | Encode:
    """Return the plan for a film.

    Args: has_tone_mapping: whether ffmpeg has the filters that HDR needs.
    """
    picture = chosen.picture
    note = _why_kept(chosen, packaging, has_tone_mapping=has_tone_mapping)
    if note is not None:
        return Keep(note=note)
    tags = tag_changes(contents, wishes.metadata)
    otherwise = None
    if not wishes.marked:
        otherwise = _without_encoding(contents, chosen, wishes, packaging, tags)
    if otherwise is not None and not expects_gain(contents, chosen, wishes):
        return otherwise
    return Encode(
        picture=plan_picture(
            picture,
            max_size=largest_size(picture, wishes),
            max_rate=_fastest(picture, wishes),
            deinterlace=wishes.deinterlace,
            is_broadcast=packaging.demuxer in BROADCAST,
        ),
        sounds=plan_sounds(
            chosen,
            stereo_bit_rate=wishes.stereo_bit_rate,
            is_broadcast=packaging.demuxer in BROADCAST,
        ),
        subtitles=tuple(one.index for one in chosen.subtitles),
        tags=tags,
        crf=wishes.crf,
        preset=wishes.preset,
        otherwise=otherwise or _if_no_gain(wishes),
    )


def _if_no_gain(wishes: Wishes) -> Keep | None:
    """Return the plan if the result is no gain and browsers do not play the film as it is."""
    return None if wishes.always_playable or wishes.marked else Keep(note=Note.NO_GAIN)


def _why_kept(chosen: Chosen, packaging: Packaging, *, has_tone_mapping: bool) -> Note | None:
    picture = chosen.picture
    if packaging.layout is not None and packaging.layout.is_cut:
        return Note.CUT_OFF
    if picture.codec in ("", "none", "unknown"):
        return Note.UNSUPPORTED
    if picture.dolby_vision is not None and picture.dolby_vision_base in (0, None):
        return Note.DOLBY_VISION
    if picture.colour.is_hdr and not has_tone_mapping:
        return Note.NO_TONE_MAPPING
    # 4:2:0 has one colour for 2 x 2 pixels, so a side needs two pixels.
    return Note.NO_GAIN if 1 in (picture.width, picture.height) else None


def _without_encoding(
    contents: Contents,
    chosen: Chosen,
    wishes: Wishes,
    packaging: Packaging,
    tags: TagChanges,
) -> Copy | Keep | None:
    """Return the plan that makes the film playable without encoding it; None if there is none."""
    picture = chosen.picture
    if not _is_in_bounds(picture, wishes) or is_interlaced(picture):
        return None
    target = _fitting_container(chosen, packaging)
    if target is None:
        return None
    is_ready = target == packaging.container and (
        _plays_while_it_loads(contents, packaging.layout)
        if target == "mp4"
        else contents.duration is not None
    )
    if is_ready and not (tags.strips_all or tags.removed):
        return Keep(note=Note.NO_GAIN)
    return Copy(
        container=target,
        sounds=tuple(one.index for one in chosen.sounds),
        subtitles=tuple(one.index for one in chosen.subtitles) if target == "mp4" else (),
        tags=tags,
    )


def _plays_while_it_loads(contents: Contents, layout: Layout | None) -> bool:
    if layout is None or layout.is_fragmented:
        return False
    return layout.starts_fast or (contents.size or 0) <= ONE_READ_BYTES


def _fitting_container(chosen: Chosen, packaging: Packaging) -> Container | None:
    picture = chosen.picture
    format_ = pixel_format(picture.pixel_format)
    if format_ is None or format_.bits != 8 or format_.chroma != "420" or picture.colour.is_hdr:
        return None
    if (
        picture.codec == "h264"
        and picture.profile in _PLAIN_H264
        and packaging.demuxer in ("mov", "matroska")
    ):
        is_plain = all(
            one.codec in _WEB_SOUNDS["mp4"] and one.channels <= 8 for one in chosen.sounds
        )
        return "mp4" if is_plain and all(map(_is_web_sound, chosen.sounds)) else None
    if picture.codec in ("vp8", "vp9", "av1") and packaging.container == "webm":
        is_plain = all(one.codec in _WEB_SOUNDS["webm"] for one in chosen.sounds)
        return "webm" if is_plain else None
    return None


def _is_web_sound(track: Stream) -> bool:
    return can_be_copied(track) or (track.codec == "mp3" and track.channels <= 2)


def is_interlaced(picture: Stream) -> bool:
    """Return whether the file states that its frames consist of two fields of different times."""
    return picture.field_order in ("tt", "bb", "tb", "bt")


def expects_gain(contents: Contents, chosen: Chosen, wishes: Wishes) -> bool:
    """Return whether encoding again may make the film smaller, by its bits per pixel.

    Returns: True if these are unknown.
    """
    picture = chosen.picture
    rate = picture_bit_rate(contents, chosen)
    if rate is None or not picture.average_rate or not picture.width * picture.height:
        return True
    pixels = picture.width * picture.height * float(picture.average_rate)
    # Six steps of CRF halve the rate.
    needed = BITS_PER_PIXEL * 2 ** ((23 - wishes.crf) / 6)
    return rate / pixels > needed


def picture_bit_rate(contents: Contents, chosen: Chosen) -> float | None:
    """Return the picture's bits per second: its own, or the file's rate without the sounds."""
    if chosen.picture.bit_rate:
        return float(chosen.picture.bit_rate)
    seconds = chosen.picture.duration or contents.duration
    if contents.size is None or seconds is None:
        return None
    sounds = sum(one.bit_rate or SOUND_BITS for one in chosen.sounds)
    return max(0.0, contents.size * 8 / seconds - sounds)


def largest_size(picture: Stream, wishes: Wishes) -> tuple[int, int]:
    """Return the size of the web copy as it is shown: within the limits, with even sides."""
    width, height = picture.width, picture.height
    if picture.rotation is not None and round(picture.rotation) % 180 == 90:
        width, height = height, width
    return fitted(
        max(1, width),
        max(1, height),
        wishes.max_level,
        max_side=wishes.max_side,
        max_short_side=wishes.max_short_side,
    )


def _fastest(picture: Stream, wishes: Wishes) -> Fraction:
    return fastest(*largest_size(picture, wishes), wishes.max_level, max_rate=wishes.max_frame_rate)


def _is_in_bounds(picture: Stream, wishes: Wishes) -> bool:
    size = sorted((picture.width, picture.height))
    is_small = all(
        is_ <= fits + 1
        for is_, fits in zip(size, sorted(largest_size(picture, wishes)), strict=True)
    )
    rate = picture.average_rate
    return is_small and (rate is None or rate <= _fastest(picture, wishes) * Fraction(101, 100))


def tag_changes(contents: Contents, policy: MetadataPolicy) -> TagChanges:
    """Return which tags the policy removes, and whether all others have a place in MP4."""
    if policy == "strip_all":
        return TagChanges(strips_all=True, recorded=contents.tags.get("creation_time", ""))
    everywhere = {name for one in contents.streams for name in one.tags} | set(contents.tags)
    removed = tuple(sorted(filter(is_location, everywhere))) if policy != "keep" else ()
    left = set(content_tags(contents.tags)) - set(removed)
    return TagChanges(
        removed=removed,
        needs_free_names=any(name.partition("-")[0] not in PLACES_IN_MP4 for name in left),
    )


PLACES_IN_MP4: Final = frozenset(
    {
        "title", "artist", "album_artist", "composer", "album", "date", "comment", "genre",
        "copyright", "grouping", "lyrics", "description", "synopsis", "show", "episode_id",
        "network", "keywords", "location", "creation_time", "track", "disc",
    }
)  # fmt: skip
"""Tags that ffmpeg's MP4 muxer writes where all players read them (libavformat/movenc.c)."""
