"""Reads what ``ffmpeg -i`` writes about its input as ``Contents``, if there is no ffprobe.

The text is made for people, and names side data and dispositions only in part: the contents are
never complete.
"""

import re
from fractions import Fraction
from typing import Final, cast

from tusd_py.worker.media.contents import Colour, Contents, Kind, Stream

_DURATION: Final = re.compile(r"Duration: (\d{1,6}):(\d\d):(\d\d(?:\.\d+)?)")
_STREAM: Final = re.compile(
    r"^  Stream #0:(\d{1,4})(?:\[0x[0-9a-f]+\])?(?:\((\w{1,8})\))?: "
    r"(Video|Audio|Subtitle|Data|Attachment): (\w+)(.*)$",
    re.MULTILINE,
)
_SIZE: Final = re.compile(r"\b(\d{1,5})x(\d{1,5})\b")
_FPS: Final = re.compile(r"\b(\d{1,6}(?:\.\d{1,6})?)(k?) fps\b")
_PIXEL_FORMAT: Final = re.compile(r", ([a-z][a-z0-9]{2,15})(?:\(|,)")
_COLOUR: Final = re.compile(r", [a-z][a-z0-9]{2,15}\(([a-z0-9/, -]{2,100})\)")
_ORDERS: Final = {
    "progressive": "progressive", "top first": "tt", "bottom first": "bb",
    "top coded first (swapped)": "tb", "bottom coded first (swapped)": "bt",
}  # fmt: skip
_HERTZ: Final = re.compile(r"\b(\d{1,6}) Hz")


def read_ffmpeg(text: str) -> Contents | None:
    """Return what the text states; None if it names no stream."""
    streams = tuple(_stream(*found) for found in _STREAM.findall(text))
    if not streams:
        return None
    found = _DURATION.search(text)
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0
    return Contents(duration=seconds or None, streams=streams, is_complete=False)


def _stream(index: str, language: str, kind: str, codec: str, rest: str) -> Stream:
    size, rate = _SIZE.search(rest), _FPS.search(rest)
    pixels, hertz = _PIXEL_FORMAT.search(rest), _HERTZ.search(rest)
    is_video = kind == "Video"
    return Stream(
        index=int(index),
        kind=cast("Kind", kind.lower()),
        codec=codec,
        disposition=frozenset(
            flag
            for flag, text in (("attached_pic", "(attached pic)"), ("default", "(default)"))
            if text in rest
        ),
        tags={"language": language} if language else {},
        width=int(size[1]) if is_video and size else 0,
        height=int(size[2]) if is_video and size else 0,
        pixel_format=pixels[1] if is_video and pixels else "",
        field_order=_field_order(rest) if is_video else "",
        colour=_colour(rest) if is_video else Colour(),
        average_rate=(Fraction(rate[1]) * (1000 if rate[2] else 1) or None) if rate else None,
        sample_rate=int(hertz[1]) if hertz else 0,
    )


def _colour(rest: str) -> Colour:
    """Read ``yuv420p10le(tv, bt2020nc/bt2020/smpte2084, progressive)``.

    It names matrix, primaries and transfer, or all three by one name.
    """
    found = _COLOUR.search(rest)
    parts = [part.strip() for part in found[1].split(",")] if found else []
    range_ = next((part for part in parts if part in ("tv", "pc")), "")
    for part in parts:
        names = part.split("/")
        if len(names) == 3:
            space, primaries, transfer = ("" if name == "unknown" else name for name in names)
            return Colour(range_, space, transfer, primaries)
        if part not in ("tv", "pc") and part not in _ORDERS:
            return Colour(range_, part, part, part)
    return Colour(range_)


def _field_order(rest: str) -> str:
    return next(
        (order for text, order in _ORDERS.items() if f", {text})" in rest or f", {text}," in rest),
        "",
    )
