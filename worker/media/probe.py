"""What a media file holds, by ffprobe, or by ffmpeg where there is no ffprobe."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tusd_py.clock import Clock
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object
from worker.media.argv import describe_argv, duration_argv, probe_argv
from worker.media.run import run
from worker.media.sandbox import Box
from worker.media.tools import Tools

log = logging.getLogger(__name__)

PROBE_SECONDS: Final = 60.0
MAX_SIDE_PIXELS: Final = 1 << 20
MAX_DURATION_SECONDS: Final = 1e9
MAX_DIGITS: Final = 12
"""Larger numbers in a tool's output are ignored: no film has them."""
_DURATION: Final = re.compile(r"Duration: (\d{1,6}):(\d\d):(\d\d(?:\.\d+)?)")
_STREAM: Final = re.compile(r"Stream #\d+:\d+.*?: (Video|Audio): (\w+)(.*)")
_SIZE: Final = re.compile(r"\b(\d{2,5})x(\d{2,5})\b")
_FPS: Final = re.compile(r"\b(\d{1,6}(?:\.\d{1,6})?)(k?) fps\b")
_FRACTION: Final = re.compile(r"([0-9]{1,12})/([0-9]{1,12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A media file's contents. Duration in seconds, None when no header has it."""

    duration: float | None
    has_video: bool
    """A moving picture, not a cover image."""
    has_audio: bool
    width: int = 0
    height: int = 0
    frames: int | None = None
    """Frames of the first moving picture, by the file's header; None when it has no number."""
    frame_rate: float | None = None
    """Frames in a second, by the file's header."""


def probe(
    tools: Tools, box: Box, demuxer: str, *, clock: Clock, stopped: Callable[[], bool]
) -> Probed | None:
    """Look into the box's source as ``demuxer``; None when it is no such file.

    Raises: Stopped, Overran, OSError.
    """
    if tools.ffprobe is not None:
        argv = probe_argv(tools.ffprobe, box.source_seen, demuxer)
        ran = run(box.wrap(argv), clock=clock, stopped=stopped, wall_seconds=PROBE_SECONDS)
        if ran.code != 0:
            log.info("media.probe.refused", extra={"exit_code": ran.code, "stderr": ran.stderr})
            return None
        return parse_ffprobe(ran.stdout)
    argv = describe_argv(tools.ffmpeg or "", box.source_seen, demuxer)
    ran = run(box.wrap(argv), clock=clock, stopped=stopped, wall_seconds=PROBE_SECONDS)
    return parse_ffmpeg(ran.stderr)


def parse_ffprobe(text: str) -> Probed | None:
    """Read ffprobe's JSON; None when it names no stream, or is not what ffprobe writes.

    It was written by a program that a hostile file may have taken over, so nothing in it is trusted.
    """
    try:
        found = read_json_object(text)
    except NotAJsonObject:
        return None
    streams = [_members(stream) for stream in _listed(found.get("streams"))]
    videos = [
        stream
        for stream in streams
        if stream.get("codec_type") == "video"
        and not _members(stream.get("disposition")).get("attached_pic")
    ]
    if not streams:
        return None
    first = videos[0] if videos else {}
    return Probed(
        duration=_seconds(_members(found.get("format")).get("duration")),
        has_video=bool(videos),
        has_audio=any(stream.get("codec_type") == "audio" for stream in streams),
        width=_pixels(first.get("width")),
        height=_pixels(first.get("height")),
        frames=_count(first.get("nb_frames")),
        frame_rate=_rate(first.get("avg_frame_rate")),
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _members(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _pixels(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < MAX_SIDE_PIXELS else 0


def _seconds(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if 0 < value < MAX_DURATION_SECONDS else None


def _count(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


def _rate(value: object) -> float | None:
    """Frames per second from a fraction such as ``30000/1001``."""
    match = _FRACTION.fullmatch(str(value))
    if match is None or int(match[2]) == 0:
        return None
    return int(match[1]) / int(match[2]) or None


def parse_ffmpeg(text: str) -> Probed | None:
    """From what ``ffmpeg -i`` says; None when it names no stream."""
    streams = _STREAM.findall(text)
    if not streams:
        return None
    duration = _DURATION.search(text)
    seconds = None
    if duration is not None:
        seconds = int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3])
    videos = [rest for kind, _, rest in streams if kind == "Video" and "attached pic" not in rest]
    size = _SIZE.search(videos[0]) if videos else None
    rate = _FPS.search(videos[0]) if videos else None
    return Probed(
        duration=seconds or None,
        has_video=bool(videos),
        has_audio=any(kind == "Audio" for kind, _, _ in streams),
        width=int(size[1]) if size else 0,
        height=int(size[2]) if size else 0,
        frame_rate=float(rate[1]) * (1000 if rate[2] else 1) or None if rate else None,
    )


def measure_duration(
    tools: Tools, box: Box, demuxer: str, *, clock: Clock, stopped: Callable[[], bool]
) -> float | None:
    """The duration in seconds by reading every packet, for files whose header has none.

    Raises: Stopped, Overran, OSError.
    """
    argv = duration_argv(tools.ffmpeg or "", box.source_seen, demuxer)
    ran = run(box.wrap(argv), clock=clock, stopped=stopped, wall_seconds=PROBE_SECONDS)
    positions = re.findall(r"^out_time_us=(\d{1,16})$", ran.stdout, re.MULTILINE)
    return int(positions[-1]) / 1e6 if ran.code == 0 and positions else None
