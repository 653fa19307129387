"""Reads ffprobe's JSON as ``Contents``.

A hostile file may have taken over the program that wrote it: a value that has the wrong type or
exceeds its limit is ignored.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, cast

from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object
from tusd_py.worker.media.contents import Chapter, Colour, Contents, Kind, Stream

FACTS: Final = (
    "format=format_name,duration,start_time,size,bit_rate"
    ":stream=index,codec_type,codec_name,codec_tag_string,profile,level,width,height"
    ",sample_aspect_ratio,field_order,pix_fmt,color_range,color_space,color_transfer,color_primaries"
    ",closed_captions,r_frame_rate,avg_frame_rate,time_base,nb_frames,duration,start_time,bit_rate"
    ",bits_per_raw_sample,channels,channel_layout,sample_rate,sample_fmt"
    ":stream_disposition:stream_side_data:program=program_id:program_stream=index"
    ":chapter=start_time,end_time"
)
"""What ffprobe reports of every file. The report is large only for a file with many streams."""
TAGS: Final = ":stream_tags:format_tags:chapter_tags=title"
"""What ffprobe reports of tags, which may be as long as the file."""
NO_TAGS: Final = ":stream_tags=:format_tags=:chapter_tags="
MAX_STREAMS: Final = 1000
MAX_CHAPTERS: Final = 10_000
MAX_SIDE_PIXELS: Final = 1 << 20
MAX_SECONDS: Final = 1e9
MAX_DIGITS: Final = 12
"""Most digits of a number; larger numbers are ignored, since no film has them."""
MAX_NAME_CHARACTERS: Final = 100
MAX_CHANNELS: Final = 512
"""Most channels that a decoder of ffmpeg has."""
_KINDS: Final = ("video", "audio", "subtitle", "data", "attachment")
_FRACTION: Final = re.compile(r"([0-9]{1,12})[/:]([0-9]{1,12})")
_CLOCK: Final = re.compile(r"([0-9]{1,6}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,9})?)")


def read_ffprobe(text: str, *, is_complete: bool = True) -> Contents | None:
    """Return what the JSON states; None if it names no stream, or does not come from ffprobe."""
    try:
        found = read_json_object(text)
    except NotAJsonObject:
        return None
    listed = _listed(found.get("streams"))
    chapters = _listed(found.get("chapters"))
    streams = tuple(
        _stream(_members(stream), number) for number, stream in enumerate(listed[:MAX_STREAMS])
    )
    if not streams:
        return None
    container = _members(found.get("format"))
    return Contents(
        duration=seconds(container.get("duration")),
        start=_position(container.get("start_time")),
        bit_rate=count(container.get("bit_rate")),
        size=count(container.get("size")),
        format_name=_name(container.get("format_name")),
        streams=streams,
        chapters=tuple(_chapter(_members(chapter)) for chapter in chapters[:MAX_CHAPTERS]),
        programmes=tuple(
            _programme(_members(one)) for one in _listed(found.get("programs"))[:MAX_STREAMS]
        ),
        tags=_tags(container.get("tags")),
        is_complete=is_complete and len(listed) <= MAX_STREAMS and len(chapters) <= MAX_CHAPTERS,
    )


def _stream(found: dict[str, Any], number: int) -> Stream:
    tags = _tags(found.get("tags"))
    side_data = [_members(one) for one in _listed(found.get("side_data_list"))]
    dolby = next((one for one in side_data if "dv_profile" in one), {})
    index = found.get("index")
    kind = found.get("codec_type")
    return Stream(
        index=index if isinstance(index, int) and 0 <= index < 1 << 31 else number,
        kind=cast("Kind", kind if kind in _KINDS else ""),
        codec=_name(found.get("codec_name")),
        codec_tag=_name(found.get("codec_tag_string")),
        profile=_name(found.get("profile")),
        level=count(found.get("level")),
        duration=seconds(found.get("duration")) or _clock(tags.get("duration", "")),
        start=_position(found.get("start_time")),
        bit_rate=count(found.get("bit_rate")) or count(tags.get("bps")),
        frames=count(found.get("nb_frames")) or count(tags.get("number_of_frames")),
        time_base=fraction(found.get("time_base")),
        disposition=frozenset(
            _name(name) for name, is_set in _members(found.get("disposition")).items() if is_set
        ),
        tags=tags,
        side_data=frozenset(_name(one.get("side_data_type")) for one in side_data) - {""},
        width=_pixels(found.get("width")),
        height=_pixels(found.get("height")),
        sample_aspect=fraction(found.get("sample_aspect_ratio")),
        rotation=_rotation(side_data),
        pixel_format=_name(found.get("pix_fmt")),
        raw_bits=count(found.get("bits_per_raw_sample")),
        field_order=_name(found.get("field_order")),
        colour=_colour(found),
        average_rate=fraction(found.get("avg_frame_rate")),
        guessed_rate=fraction(found.get("r_frame_rate")),
        has_captions=bool(found.get("closed_captions")),
        dolby_vision=count(dolby.get("dv_profile")),
        dolby_vision_base=count(dolby.get("dv_bl_signal_compatibility_id")),
        channels=_channels(found.get("channels")),
        layout=_name(found.get("channel_layout")),
        sample_rate=count(found.get("sample_rate")) or 0,
        sample_format=_name(found.get("sample_fmt")),
    )


def _colour(found: dict[str, Any]) -> Colour:
    names = ("color_range", "color_space", "color_transfer", "color_primaries")
    values = [_name(found.get(name)) for name in names]
    return Colour(*("" if value in ("unknown", "reserved") else value for value in values))


def _chapter(found: dict[str, Any]) -> Chapter:
    return Chapter(
        start=_position(found.get("start_time")) or 0.0,
        end=_position(found.get("end_time")) or 0.0,
        title=_tags(found.get("tags")).get("title", ""),
    )


def _programme(found: dict[str, Any]) -> frozenset[int]:
    streams = [_members(stream).get("index") for stream in _listed(found.get("streams"))]
    return frozenset(index for index in streams if isinstance(index, int))


def _rotation(side_data: list[dict[str, Any]]) -> float | None:
    for one in side_data:
        angle = one.get("rotation")
        if isinstance(angle, int | float) and -360 <= angle <= 360:
            return float(angle)
    return None


def _tags(value: object) -> Mapping[str, str]:
    """Return the tags by names in lower case, since Matroska writes them in capitals.

    NUL is removed, since it would end an argument of a command line.
    """
    return MappingProxyType(
        {
            name.lower(): text.replace("\0", "")
            for name, text in _members(value).items()
            if isinstance(text, str) and len(name) <= MAX_NAME_CHARACTERS and "\0" not in name
        }
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _members(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_NAME_CHARACTERS else ""


def _channels(value: object) -> int:
    number = count(value) or 0
    return number if number <= MAX_CHANNELS else 0


def _pixels(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < MAX_SIDE_PIXELS else 0


def seconds(value: object) -> float | None:
    """Return a duration of more than 0 and at most 31 years; None for anything else."""
    found = _position(value)
    return found if found is not None and found > 0 else None


def _position(value: object) -> float | None:
    """Return a time in seconds, which may be negative."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) < MAX_SECONDS else None


def _clock(text: str) -> float | None:
    """Return the seconds of ``HH:MM:SS.fraction``, the form of Matroska's tag DURATION."""
    match = _CLOCK.fullmatch(text)
    return seconds(int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])) if match else None


def count(value: object) -> int | None:
    """Return a whole number of at most 12 digits, which may be written as a text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


def fraction(value: object) -> Fraction | None:
    """Return a number above 0 such as ``30000/1001`` or ``4:3``."""
    match = _FRACTION.fullmatch(str(value))
    if match is None or int(match[2]) == 0:
        return None
    return Fraction(int(match[1]), int(match[2])) or None
