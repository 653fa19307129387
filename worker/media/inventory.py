"""Finds what a film has and its web copy lacks.

The web copy may replace the original only if it lacks nothing. A picture of the usual kind (8 bits,
4:2:0, from a lossy codec) that was encoded again with the same size and frames counts as carried; a
master does not. In doubt something counts as lost.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal

from tusd_py.worker.media.choose import Chosen, is_empty, is_still
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.measure import INTRA_CODECS
from tusd_py.worker.media.pixel_format import pixel_format

MetadataPolicy = Literal["keep", "strip_location", "strip_all"]

LOSSLESS_SOUND: Final = frozenset(
    {
        "flac", "alac", "wavpack", "tta", "truehd", "mlp", "ape", "tak", "shorten", "als", "ralf",
        "wmalossless",
    }
)  # fmt: skip
LOSSLESS_PROFILES: Final = (
    "High 4:4:4 Predictive",
    "CAVLC 4:4:4",
    "High 4:2:2 Intra",
    "High 10 Intra",
)
CONTAINERS_OWN: Final = frozenset(
    {
        "major_brand", "minor_version", "compatible_brands", "encoder", "encoded_by",
        "handler_name", "vendor_id", "duration", "bps", "number_of_frames", "number_of_bytes",
        "source_id", "language", "_statistics_writing_app", "_statistics_writing_date_utc",
        "_statistics_tags", "timecode", "variant_bitrate", "service_name", "service_provider",
        "rotate", "isvbr", "devicemanufacturer", "filename", "mimetype", "software", "alpha_mode",
        "stereo_mode", "wm/encodingtime", "deviceconformance", "metadatacreator", "hasmetadata",
        "hasvideo", "hasaudio", "haskeyframes", "canseekonend",
    }
)  # fmt: skip
"""Tags that describe the container, the codec or the program that wrote the file, not the film."""
_LOCATION: Final = ("location", "gps", "xyz", "latitude", "longitude", "altitude", "loci")
_SHIFTING_CODECS: Final = frozenset({"vp8", "vp9", "av1"})
_TRACK_FLAGS: Final = frozenset({"forced", "comment", "hearing_impaired", "visual_impaired", "dub"})


class Loss(StrEnum):
    """Names what the original has and the web copy lacks."""

    UNKNOWN = "unknown"
    """The original could not be read completely."""
    DAMAGE = "damage"
    PICTURE_STREAM = "picture-stream"
    MASTER = "master"
    BIT_DEPTH = "bit-depth"
    CHROMA = "chroma"
    ALPHA = "alpha"
    HDR = "hdr"
    DOLBY_VISION = "dolby-vision"
    RESOLUTION = "resolution"
    FRAMES = "frames"
    FIELDS = "fields"
    PROJECTION = "projection"
    STEREO_3D = "stereo-3d"
    CAPTIONS = "captions"
    SOUND_TRACK = "sound-track"
    LOSSLESS_SOUND = "lossless-sound"
    CHANNELS = "channels"
    LANGUAGE = "language"
    SUBTITLES = "subtitles"
    SUBTITLE_STYLE = "subtitle-style"
    CHAPTERS = "chapters"
    COVER = "cover"
    ATTACHMENTS = "attachments"
    TIME_CODE = "time-code"
    TELEMETRY = "telemetry"
    TAGS = "tags"


def losses(
    source: Contents,
    chosen: Chosen,
    made: Contents,
    *,
    copied: bool,
    policy: MetadataPolicy = "keep",
) -> frozenset[Loss]:
    """Return what the source has and the made file lacks; empty if it carries everything.

    Args: copied: whether picture and sounds were copied, not encoded again. policy: tags that the
        deployment removes do not count as lost.
    """
    found: set[Loss] = set()
    if not (source.is_complete and made.is_complete):
        found.add(Loss.UNKNOWN)
    pictures = [one for one in made.of_kind("video") if not is_still(one)]
    if len(pictures) != 1:
        found.add(Loss.PICTURE_STREAM)
    found |= _of_picture(chosen.picture, pictures[0] if pictures else None, copied=copied)
    found |= _of_streams(source, chosen, made, policy)
    found |= _of_sounds(source, made)
    found |= _of_subtitles(source, made)
    found |= _of_tags(source, chosen, made, policy)
    return frozenset(found)


def _of_picture(source: Stream, made: Stream | None, *, copied: bool) -> set[Loss]:
    if made is None:
        return {Loss.PICTURE_STREAM}
    facts: dict[Loss, bool] = {
        Loss.PROJECTION: _lacks(source, made, "Spherical Mapping"),
        Loss.STEREO_3D: _lacks(source, made, "Stereo 3D") or _is_frame_packed(source, made),
        Loss.CAPTIONS: source.has_captions and not made.has_captions,
        Loss.DOLBY_VISION: source.dolby_vision is not None and made.dolby_vision is None,
        Loss.FRAMES: _has_fewer_frames(source, made),
        Loss.LANGUAGE: source.language not in ("", made.language),
    }
    if not copied:
        facts |= _of_encoding(source, made)
    return {loss for loss, is_lost in facts.items() if is_lost}


def _of_encoding(source: Stream, made: Stream) -> dict[Loss, bool]:
    format_ = pixel_format(source.pixel_format)
    bits = max(format_.bits if format_ else 0, source.raw_bits or 0)
    return {
        Loss.UNKNOWN: format_ is None,
        Loss.MASTER: is_master(source),
        Loss.BIT_DEPTH: bits > 8,
        Loss.CHROMA: format_ is not None and format_.chroma not in ("420", "411", "410", "gray"),
        Loss.ALPHA: (format_ is not None and format_.has_alpha) or "alpha_mode" in source.tags,
        Loss.HDR: source.colour.is_hdr or "Mastering display metadata" in source.side_data,
        Loss.RESOLUTION: _is_smaller(source, made),
        Loss.FIELDS: source.field_order in ("tt", "bb", "tb", "bt")
        and made.field_order == "progressive",
    }


def is_master(stream: Stream) -> bool:
    """Return whether a picture's codec is lossless, or one in which films are edited."""
    if stream.codec == "mjpeg":
        return False
    return stream.codec in INTRA_CODECS or stream.profile in LOSSLESS_PROFILES


def _lacks(source: Stream, made: Stream, side_data: str) -> bool:
    return side_data.lower() in _lowered(source.side_data) - _lowered(made.side_data)


def _lowered(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _is_frame_packed(source: Stream, made: Stream) -> bool:
    mode = source.tags.get("stereo_mode", "mono")
    return mode != "mono" and mode != made.tags.get("stereo_mode")


def _has_fewer_frames(source: Stream, made: Stream) -> bool:
    """Return whether a frame is missing; with hidden frames a codec may count more packets."""
    if source.frames is None or made.frames is None:
        return True
    return source.codec not in _SHIFTING_CODECS and made.frames < source.frames - 1


def _is_smaller(source: Stream, made: Stream) -> bool:
    """Return whether a side is smaller by more than the one pixel that makes it even.

    The picture may have been turned.
    """
    was, now = sorted((source.width, source.height)), sorted((made.width, made.height))
    return any(new < old - 1 for old, new in zip(was, now, strict=True))


def _of_streams(
    source: Contents, chosen: Chosen, made: Contents, policy: MetadataPolicy
) -> set[Loss]:
    found: set[Loss] = set()
    others = [one for one in source.of_kind("video") if one.index != chosen.picture.index]
    if any(not is_still(one) for one in others) or len(source.programmes) > 1:
        found.add(Loss.PICTURE_STREAM)
    if sum(map(is_still, others)) > len([one for one in made.of_kind("video") if is_still(one)]):
        found.add(Loss.COVER)
    if len(source.of_kind("attachment")) > len(made.of_kind("attachment")):
        found.add(Loss.ATTACHMENTS)
    if any(stream.kind == "" for stream in source.streams):
        found.add(Loss.UNKNOWN)
    was = [(round(one.start, 1), one.title) for one in source.chapters]
    now = [(round(one.start, 1), one.title) for one in made.chapters]
    if len(was) != len(now) or [title for _, title in was] != [title for _, title in now]:
        found.add(Loss.CHAPTERS)
    if _time_codes(source) - _time_codes(made):
        found.add(Loss.TIME_CODE)
    telemetry = [one for one in source.of_kind("data") if not _is_served(one, source)]
    if telemetry and policy == "keep":
        found.add(Loss.TELEMETRY)
    return found


def _time_codes(contents: Contents) -> set[str]:
    codes = {stream.tags.get("timecode", "") for stream in contents.streams}
    return (codes | {contents.tags.get("timecode", "")}) - {""}


def _is_served(stream: Stream, contents: Contents) -> bool:
    """Return whether ``Contents`` holds a data stream's values: a time code, or chapters."""
    if stream.codec_tag == "tmcd" and "timecode" in stream.tags:
        return True
    return stream.codec_tag == "text" and bool(contents.chapters)


def _of_sounds(source: Contents, made: Contents) -> set[Loss]:
    found: set[Loss] = set()
    # A track without samples counts, too, since only the index states that it is empty.
    tracks = source.of_kind("audio")
    left = list(made.of_kind("audio"))
    for track in tracks:
        if _is_lossless(track) and not any(one.codec == track.codec for one in left):
            found.add(Loss.LOSSLESS_SOUND)
        match = next((one for one in left if _stands_for(one, track)), None)
        if match is None:
            found.add(_why_none(track, left))
        else:
            left.remove(match)
    return found


def _stands_for(made: Stream, source: Stream) -> bool:
    return (
        made.channels >= source.channels > 0
        and source.language in ("", made.language)
        and source.disposition & _TRACK_FLAGS <= made.disposition
    )


def _why_none(track: Stream, left: list[Stream]) -> Loss:
    if not left:
        return Loss.SOUND_TRACK
    if all(one.channels < track.channels for one in left):
        return Loss.CHANNELS
    return Loss.LANGUAGE


def _is_lossless(stream: Stream) -> bool:
    lossless_dts = stream.codec == "dts" and "MA" in stream.profile
    return stream.codec.startswith("pcm_") or stream.codec in LOSSLESS_SOUND or lossless_dts


def _of_subtitles(source: Contents, made: Contents) -> set[Loss]:
    found: set[Loss] = set()
    was = [one for one in source.of_kind("subtitle") if not is_empty(one, source)]
    now = list(made.of_kind("subtitle"))
    if _counted(was, _track) - _counted(now, _track):
        found.add(Loss.SUBTITLES)
    if any(one.codec in ("ass", "ssa") for one in was) and all(
        one.codec not in ("ass", "ssa") for one in now
    ):
        found.add(Loss.SUBTITLE_STYLE)
    return found


def _track(stream: Stream) -> str:
    return f"{stream.language} {sorted(stream.disposition & _TRACK_FLAGS)}"


def _counted(streams: Iterable[Stream], key: Callable[[Stream], str]) -> Counter[str]:
    return Counter(map(key, streams))


def _of_tags(source: Contents, chosen: Chosen, made: Contents, policy: MetadataPolicy) -> set[Loss]:
    if policy == "strip_all":
        return set()
    kept = set(content_tags(made.tags).values())
    for stream in made.streams:
        kept |= set(content_tags(stream.tags).values())
    for stream in source.streams:
        tags = {} if stream.kind in ("data", "attachment") else content_tags(stream.tags)
        if stream.kind == "subtitle" and stream not in chosen.subtitles:
            tags = {}
        if any(_is_missing(name, value, kept, policy) for name, value in tags.items()):
            return {Loss.TAGS}
    if any(
        _is_missing(name, value, kept, policy) for name, value in content_tags(source.tags).items()
    ):
        return {Loss.TAGS}
    return set()


def content_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that describe the film itself, with dates to the second."""
    return {
        name: value.partition(".")[0].rstrip("Z") if name == "creation_time" else value.strip()
        for name, value in tags.items()
        if name.partition("-")[0] not in CONTAINERS_OWN and value.strip()
    }


def is_location(name: str) -> bool:
    """Return whether a tag states where a film was taken, by its name in lower case."""
    return any(word in name for word in _LOCATION)


def _is_missing(name: str, value: str, kept: set[str], policy: MetadataPolicy) -> bool:
    if policy == "strip_location" and is_location(name):
        return False
    return value not in kept
