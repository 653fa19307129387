"""The contents of a media file: values that were read from a program's report and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["video", "audio", "subtitle", "data", "attachment", ""]

NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})
SHORT_TAGS: Final = (
    "title", "artist", "album", "creation_time", "date", "make", "model", "location",
    "com.apple.quicktime.make", "com.apple.quicktime.model",
    "com.apple.quicktime.creationdate", "com.apple.quicktime.location.iso6709",
)  # fmt: skip
"""Tags that are shown to users, in lower case."""
MAX_SHOWN_CHARACTERS: Final = 200
MAX_SHOWN_TRACKS: Final = 100
"""Most tracks of one kind that are shown; a file may have ten times as many."""
MAX_LANGUAGE_CHARACTERS: Final = 8
UNKNOWN_LANGUAGE: Final = "und"
"""ISO 639-2: undetermined."""


@dataclass(frozen=True, slots=True)
class Colour:
    """Describes how pixel values stand for light, by ffmpeg's names; '' if the file names none."""

    range: str = ""
    space: str = ""
    """Name of the matrix between RGB and YUV."""
    transfer: str = ""
    primaries: str = ""

    @property
    def is_hdr(self) -> bool:
        """Whether the picture is PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""
        return self.transfer in ("smpte2084", "arib-std-b67")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Describes one stream of a media file. Times in seconds, rates in bits or frames per second.

    If the file does not state a value, a text is '', a size is 0, and any other value is None.
    """

    index: int
    kind: Kind
    codec: str = ""
    codec_tag: str = ""
    profile: str = ""
    level: int | None = None
    duration: float | None = None
    """Length of this stream, which may differ from that of the file."""
    start: float | None = None
    bit_rate: int | None = None
    frames: int | None = None
    """Number of frames (video) or packets (others) by the file's index."""
    is_measured: bool = False
    """Whether frames and duration were counted by reading the file, not taken from its index."""
    time_base: Fraction | None = None
    disposition: frozenset[str] = frozenset()
    """Names of the flags that are set: default, attached_pic, forced, comment ..."""
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    """Values of the tags by names in lower case."""
    side_data: frozenset[str] = frozenset()
    """ffprobe's names, such as ``Display Matrix``, ``Spherical Mapping``."""

    width: int = 0
    height: int = 0
    sample_aspect: Fraction | None = None
    rotation: float | None = None
    """Degrees by which players turn the picture counterclockwise; None without a display matrix."""
    pixel_format: str = ""
    raw_bits: int | None = None
    """Bits of a sample, if the codec states more than the pixel format."""
    field_order: str = ""
    """``progressive``, ``tt``, ``bb``, ``tb``, ``bt``, ``unknown`` or ''."""
    colour: Colour = Colour()
    average_rate: Fraction | None = None
    """Number of frames divided by the duration."""
    guessed_rate: Fraction | None = None
    """Lowest rate that fits all timestamps; a guess (``r_frame_rate``)."""
    changes_size: bool = False
    """Whether frames differ in size; width and height are then the largest."""
    has_captions: bool = False
    """Whether the picture carries closed captions (CEA-608 or CEA-708)."""
    dolby_vision: int | None = None
    """Profile of Dolby Vision."""
    dolby_vision_base: int | None = None
    """What a player without Dolby Vision shows: 0 nothing usable, 1 HDR10, 2 SDR, 4 HLG."""

    channels: int = 0
    layout: str = ""
    sample_rate: int = 0
    sample_format: str = ""

    @property
    def language(self) -> str:
        """ISO 639-2 code, '' if undetermined."""
        language = self.tags.get("language", "").lower()
        return language if language.isalpha() and language != "und" else ""

    @property
    def shown_language(self) -> str:
        """The language that is shown to users: ``und`` if it is undetermined or not a code."""
        is_code = 0 < len(self.language) <= MAX_LANGUAGE_CHARACTERS
        return self.language if is_code else UNKNOWN_LANGUAGE

    @property
    def title(self) -> str:
        """The stream's own title."""
        return self.tags.get("title", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """Describes a named part of a film. Times in seconds."""

    start: float
    end: float
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Holds all that is known of a media file. Duration in seconds, of the longest stream."""

    duration: float | None
    start: float | None = None
    bit_rate: int | None = None
    size: int | None = None
    """Size in bytes, as the program counted it."""
    format_name: str = ""
    """ffmpeg's names of the container."""
    streams: tuple[Stream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    programmes: tuple[frozenset[int], ...] = ()
    """Indexes of the streams that belong together, one set for each programme of a broadcast."""
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    """Values of the tags by names in lower case."""
    is_complete: bool = True
    """Whether the program could report everything.

    If it could not, the file may hold tags, chapters and side data that are missing here, so the
    original must not be removed because of them.
    """

    def of_kind(self, kind: Kind) -> tuple[Stream, ...]:
        """Return the streams of one kind in the file's order; covers are videos."""
        return tuple(stream for stream in self.streams if stream.kind == kind)

    def stream(self, index: int) -> Stream:
        """Return the stream with the file's own number. Raises: KeyError."""
        for stream in self.streams:
            if stream.index == index:
                return stream
        raise KeyError(index)

    @property
    def covers(self) -> tuple[Stream, ...]:
        """The pictures that stand for the file; they are not films."""
        return tuple(stream for stream in self.streams if "attached_pic" in stream.disposition)

    @property
    def has_moving_picture(self) -> bool:
        """Whether any video stream is not a cover."""
        return len(self.of_kind("video")) > len(self.covers)

    def shown_tags(self) -> dict[str, str]:
        """Return the tags that describe the file to users, each at most 200 characters."""
        return {
            name: self.tags[name][:MAX_SHOWN_CHARACTERS]
            for name in SHORT_TAGS
            if self.tags.get(name)
        }
