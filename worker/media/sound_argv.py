"""Command lines of ffmpeg for sounds, as data, by the rules of ``argv``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tusd_py.worker.media.argv import input_argv
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.inventory import MetadataPolicy, content_tags, is_location
from tusd_py.worker.media.sound_plan import Container, Copy, Encode, Track

ENCODERS: Final = {"m4a": "aac", "webm": "libopus"}
PLAIN_COVERS: Final = ("mjpeg", "png")
"""Codecs of pictures that are extracted, and put into a copy, without encoding them again."""
_START: Final = ("-nostdin", "-hide_banner", "-nostats", "-y")
_PROGRESS: Final = ("-progress", "pipe:1", "-stats_period", "0.5")
_ONE_THREAD: Final = ("-threads", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Describes the tags of a copy."""

    policy: MetadataPolicy = "keep"
    source: int | None = None
    """Number of the stream that has the file's tags, as in Ogg; None: the file itself has them."""
    removed: tuple[str, ...] = ()
    """Names of tags that are left out."""
    languages: tuple[str, ...] = ()
    """Languages of the tracks in their order; '' if undetermined."""


def tags_of(contents: Contents, tracks: Sequence[Stream], policy: MetadataPolicy) -> Tags:
    """Return the tags of a copy by the policy."""
    main = tracks[0]
    in_stream = bool(content_tags(main.tags)) and not content_tags(contents.tags)
    names = {*contents.tags, *main.tags}
    return Tags(
        policy=policy,
        source=main.index if in_stream else None,
        removed=tuple(sorted(filter(is_location, names))) if policy == "strip_location" else (),
        languages=tuple(one.language for one in tracks),
    )


def analyse_argv(
    ffmpeg: str,
    track: Track,
    *,
    source: str,
    demuxer: str,
    part_samples: int,
    sample_rate: int,
    measures_loudness: bool,
) -> list[str]:
    """Return the command line that decodes a whole track and writes its analysis.

    For each part of ``part_samples`` samples it writes the position and the extremes to stdout. If
    the loudness is measured, it writes it to stderr at the end.
    """
    filters = [
        track.mix,
        # Loudness comes first: later it would cut the parts into pieces of another size.
        "ebur128=metadata=1:peak=true" if measures_loudness else "",
        f"aformat=sample_fmts=fltp:sample_rates={sample_rate}",
        f"asetnsamples=n={part_samples}:p=0",
        "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=Min_level+Max_level",
        "ametadata=mode=print:file=-",
    ]
    return [
        ffmpeg, *_START, "-v", "level+info" if measures_loudness else "level+error", *_ONE_THREAD,
        *input_argv(source, demuxer), "-map", f"0:{track.index}", "-vn", "-sn", "-dn",
        "-filter_threads", "1", "-af", ",".join(filter(None, filters)), "-f", "null", "-",
    ]  # fmt: skip


def make_argv(
    ffmpeg: str,
    plan: Copy | Encode,
    *,
    source: str,
    output: str,
    demuxer: str,
    tags: Tags,
    cover: int | None = None,
    gain: str = "",
) -> list[str]:
    """Return the command line that makes the web copy and writes progress to stdout.

    Args: cover: number of the picture that the copy carries. gain: a filter that changes the
        loudness.
    """
    container = plan.container
    tracks = [_track(number, one, container, gain) for number, one in enumerate(plan.tracks)]
    pictures = [] if cover is None else [
        "-map", f"0:{cover}", "-c:v", "copy", "-disposition:v:0", "attached_pic",
    ]  # fmt: skip
    return [
        ffmpeg, *_START, "-v", "level+error", *_ONE_THREAD, *input_argv(source, demuxer),
        *[part for one in plan.tracks for part in ("-map", f"0:{one.index}")],
        *pictures, "-sn", "-dn",
        *[part for track in tracks for part in track],
        *_tags(tags), *(("-movflags", "+faststart") if container.muxer == "ipod" else ()),
        "-filter_threads", "1", "-max_muxing_queue_size", "4096",
        *_PROGRESS, "-f", container.muxer, f"file:{output}",
    ]  # fmt: skip


def cover_argv(
    ffmpeg: str,
    cover: Stream,
    *,
    source: str,
    output: str,
    demuxer: str,
    max_pixels: int,
    copies: bool,
) -> list[str]:
    """Return the command line that extracts a picture.

    Args: copies: whether a JPEG or PNG is copied; otherwise the picture is encoded again, which
        keeps only its pixels.
    """
    as_it_is = copies and cover.codec in PLAIN_COVERS
    again = "mjpeg" if cover.codec == "mjpeg" else "png"
    return [
        ffmpeg, *_START, "-v", "level+error", "-max_pixels", str(max_pixels), *_ONE_THREAD,
        *input_argv(source, demuxer), "-map", f"0:{cover.index}", "-map_metadata", "-1",
        "-frames:v", "1", "-c:v", "copy" if as_it_is else again,
        *(() if as_it_is else ("-q:v", "2", "-threads", "1")),
        "-f", "image2pipe", f"file:{output}",
    ]  # fmt: skip


def _track(number: int, track: Track, container: Container, gain: str) -> list[str]:
    given = [f"-disposition:a:{number}", "0" if number else "default"]
    if track.is_copied:
        return [f"-c:a:{number}", "copy", *given]
    filters = ",".join(filter(None, (track.mix, gain)))
    return [
        f"-c:a:{number}", ENCODERS[container.name], f"-b:a:{number}", str(track.bit_rate),
        f"-ar:a:{number}", str(track.sample_rate),
        *((f"-filter:a:{number}", filters) if filters else ()), *given,
    ]  # fmt: skip


def _tags(tags: Tags) -> list[str]:
    """Return the options for tags, chapters and languages. A name without a value removes the tag.

    Chapters and languages are always kept.
    """
    languages = [
        part
        for number, language in enumerate(tags.languages)
        if language
        for part in (f"-metadata:s:a:{number}", f"language={language}")
    ]
    if tags.policy == "strip_all":
        return ["-map_metadata", "-1", "-map_metadata:s", "-1", "-map_chapters", "0", *languages]
    mapped = ["-map_metadata", "0" if tags.source is None else f"0:s:{tags.source}"]
    removed = [
        part
        for name in tags.removed
        for part in ("-metadata", f"{name}=", "-metadata:s:a", f"{name}=")
    ]
    return [*mapped, *removed, *languages]
