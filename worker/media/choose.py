"""Chooses the streams of a file that are its film, by their kind and facts.

The position of a stream has no meaning: cameras and recorders write thumbnails, second angles and
other broadcasts before or after it.
"""

from dataclasses import dataclass
from typing import Final

from tusd_py.worker.media.contents import Contents, Stream

STILL_CODECS: Final = frozenset(
    {"mjpeg", "png", "apng", "bmp", "gif", "webp", "tiff", "jpeg2000", "jpegxl", "mjpegb", "ljpeg"}
)
"""Codecs of still pictures; a stream with many frames of them is a film, too."""
TEXT_SUBTITLES: Final = frozenset(
    {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "microdvd", "subviewer"}
)
"""Subtitles that ffmpeg can convert into ``mov_text``; others are pictures, or need a decoder."""
NEARLY: Final = 0.9
"""Share of the longest picture's length at which a picture counts as equally long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Holds the streams that make up the film."""

    picture: Stream
    sounds: tuple[Stream, ...]
    """All tracks that have samples, in the file's order."""
    subtitles: tuple[Stream, ...]
    """The subtitles that are text."""
    main_sound: Stream | None
    """The track that a player begins with."""


def choose(contents: Contents) -> Chosen | None:
    """Return the film's streams; None if the file has no moving picture."""
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
    """Return whether a video stream is a single picture: a cover, a thumbnail, a preview."""
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
    """Return whether a stream has no samples, by the file's index.

    For an MP4 file ffprobe writes no number for a stream without samples. In a fragmented file no
    stream has a number, so there a missing one has no meaning.
    """
    if stream.frames is None and contents.format_name.startswith("mov"):
        return any(one.frames and not one.is_measured for one in contents.streams)
    return stream.frames == 0


def _with_sound(contents: Contents) -> frozenset[int]:
    """Return the indexes of all streams that belong to programmes with sound."""
    sounds = {stream.index for stream in contents.of_kind("audio")}
    return frozenset().union(*(one for one in contents.programmes if one & sounds))


def _programme_of(contents: Contents, picture: Stream) -> frozenset[int]:
    """Return the indexes of the picture's programme; those of all streams if there is none."""
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
