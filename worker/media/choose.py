"""Which streams of a file are its film, by what they are. The position of a stream says nothing: cameras and
recorders write thumbnails, second angles and other broadcasts before or behind it."""

from dataclasses import dataclass
from typing import Final

from worker.media.contents import Contents, Stream

STILL_CODECS: Final = frozenset(
    {"mjpeg", "png", "apng", "bmp", "gif", "webp", "tiff", "jpeg2000", "jpegxl", "mjpegb", "ljpeg"}
)
"""Codecs of pictures, which are films too when they have many frames."""
TEXT_SUBTITLES: Final = frozenset(
    {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "microdvd", "subviewer"}
)
"""Subtitles that become ``mov_text``; all others are pictures, or need a decoder of their own."""
NEARLY: Final = 0.9
"""Share of the longest picture's length from which on a picture counts as equally long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The streams that make up the film."""

    picture: Stream
    sounds: tuple[Stream, ...]
    """All tracks that have samples, in the file's order."""
    subtitles: tuple[Stream, ...]
    """Those that are text."""
    main_sound: Stream | None
    """The track that a player begins with."""


def choose(contents: Contents) -> Chosen | None:
    """Return the film's streams; None when the file has no moving picture."""
    picture = _picture(contents)
    if picture is None:
        return None
    together = _programme_of(contents, picture)
    sounds = tuple(
        stream
        for stream in contents.of_kind("audio")
        if stream.index in together and not is_empty(stream, contents)
    )
    subtitles = tuple(
        stream
        for stream in contents.of_kind("subtitle")
        if stream.index in together
        and stream.codec in TEXT_SUBTITLES
        and not is_empty(stream, contents)
    )
    return Chosen(
        picture=picture, sounds=sounds, subtitles=subtitles, main_sound=_main_sound(sounds)
    )


def is_still(stream: Stream) -> bool:
    """Whether a video stream is one picture: a cover, a thumbnail, a preview."""
    if stream.disposition & {"attached_pic", "timed_thumbnails", "still_image"}:
        return True
    return stream.codec in STILL_CODECS and stream.frames == 1


def _picture(contents: Contents) -> Stream | None:
    moving = [
        stream
        for stream in contents.of_kind("video")
        if not is_still(stream) and not is_empty(stream, contents)
    ]
    if not moving:
        return None
    longest = max(_length(stream, contents) for stream in moving)
    with_sound = _with_sound(contents)

    def worth(stream: Stream) -> tuple[bool, bool, bool, bool, int, float, int]:
        return (
            _length(stream, contents) >= NEARLY * longest,
            stream.codec not in STILL_CODECS,
            "default" in stream.disposition,
            stream.index in with_sound,
            stream.width * stream.height,
            _length(stream, contents),
            -stream.index,
        )

    return max(moving, key=worth)


def _length(stream: Stream, contents: Contents) -> float:
    if stream.duration is not None:
        return stream.duration
    if stream.frames is not None and stream.average_rate is not None:
        return float(stream.frames / stream.average_rate)
    return contents.duration or 0.0


def is_empty(stream: Stream, contents: Contents) -> bool:
    """Whether a stream has no samples, by the file's index. ffprobe writes no number where an MP4 file has
    none, as it does for files in fragments, where no stream has a number."""
    if stream.frames is None and contents.format_name.startswith("mov"):
        return any(one.frames and not one.is_measured for one in contents.streams)
    return stream.frames == 0


def _with_sound(contents: Contents) -> frozenset[int]:
    """Return the indexes of all streams of programmes that have sound."""
    sounds = {stream.index for stream in contents.of_kind("audio")}
    return frozenset().union(*(one for one in contents.programmes if one & sounds))


def _programme_of(contents: Contents, picture: Stream) -> frozenset[int]:
    """Return the indexes of the streams that belong to the picture: all, where there are no programmes."""
    for programme in contents.programmes:
        if picture.index in programme:
            return programme
    return frozenset(stream.index for stream in contents.streams)


def _main_sound(sounds: tuple[Stream, ...]) -> Stream | None:
    secondary = {"comment", "dub", "hearing_impaired", "visual_impaired", "descriptions"}
    ranked = sorted(
        sounds,
        key=lambda one: (
            "default" not in one.disposition,
            bool(one.disposition & secondary),
            one.index,
        ),
    )
    return ranked[0] if ranked else None
