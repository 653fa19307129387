"""Reads a film once and decodes only its key frames, if no index states the facts.

It finds the number of frames, the end of the last one, and the sizes of the picture.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from tusd_py.clock import Clock
from tusd_py.worker.media.argv import measure_argv
from tusd_py.worker.media.causes import Cause
from tusd_py.worker.media.checked_run import checked_run
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.run import Bounds
from tusd_py.worker.media.sandbox import Sandbox
from tusd_py.worker.media.tools import Tools

INDEXED_DEMUXERS: Final = ("mov", "avi")
"""Containers whose header counts the frames by a table of them, if it counts them."""
INTRA_CODECS: Final = frozenset(
    {
        "prores", "dnxhd", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210", "dvvideo",
        "cfhd", "mjpeg", "jpeg2000", "png", "qtrle", "magicyuv", "hap", "vc2", "dirac", "cllc",
        "lagarith", "gif",
    }
)  # fmt: skip
"""Codecs in which every frame is a key frame, so that the whole film would be decoded."""
REPORT_BYTES: Final = 1 << 30
"""Most bytes of a report: 10 million frames of 100 bytes each."""
MAX_SIZES: Final = 1000
TRUE_RATE: Final = Fraction(1, 50)
"""Share by which a correct frame rate of a header may differ from that of the timestamps."""
_PACKET: Final = re.compile(
    r"packet,(-?[0-9]{1,9}\.[0-9]{1,9}|N/A)(?:,([0-9]{1,6}\.[0-9]{1,9}|N/A))?"
)
_FRAME: Final = re.compile(r"frame,([0-9]{1,7}),([0-9]{1,7})")


@dataclass(slots=True)
class Measured:
    """Collects what was read of one picture. Times in seconds."""

    packets: int = 0
    first: float | None = None
    last: float | None = None
    end: float | None = None
    sizes: set[tuple[int, int]] = field(default_factory=set)

    def take(self, line: str) -> bool:
        """Take one line; return whether it is one of ffprobe's report."""
        if found := _PACKET.match(line):
            self.packets += 1
            if found[1] != "N/A":
                self._move(float(found[1]), found[2])
            return True
        if found := _FRAME.match(line):
            if len(self.sizes) < MAX_SIZES:
                self.sizes.add((int(found[1]), int(found[2])))
            return True
        return False

    def _move(self, position: float, duration: str | None) -> None:
        length = float(duration) if duration and duration != "N/A" else 0.0
        self.first = position if self.first is None else min(self.first, position)
        self.last = position if self.last is None else max(self.last, position)
        self.end = max(self.end or position, position + length)

    def applied(self, stream: Stream) -> Stream:
        """Return the stream with the values that were read instead of those of its header."""
        length = self.end - self.first if self.end is not None and self.first is not None else None
        rate = stream.average_rate
        if self.packets > 1 and self.last is not None and self.first is not None:
            span = Fraction(self.last - self.first).limit_denominator(1_000_000)
            read = Fraction(self.packets - 1) / span if span > 0 else None
            # A header's exact rate, if correct, is better than one of rounded timestamps.
            if read is not None and (rate is None or abs(rate / read - 1) > TRUE_RATE):
                rate = read
        return replace(
            stream,
            frames=self.packets,
            is_measured=True,
            duration=length or stream.duration,
            average_rate=rate.limit_denominator(1001) if rate is not None else None,
            width=max((width for width, _ in self.sizes), default=stream.width),
            height=max((height for _, height in self.sizes), default=stream.height),
            changes_size=len(self.sizes) > 1,
        )


def needs_measuring(stream: Stream, demuxer: str) -> bool:
    """Return whether the file's header may lack the number of frames, the length or later sizes."""
    return demuxer not in INDEXED_DEMUXERS or not stream.frames or stream.duration is None


def measure(
    tools: Tools,
    box: Sandbox,
    demuxer: str,
    contents: Contents,
    picture: Stream,
    *,
    clock: Clock,
    stopped: Callable[[], bool],
    stall_seconds: float,
) -> Contents:
    """Return the contents with the picture's frames, length and largest size as they were read.

    Without ffprobe the contents stay as they are. Raises: ToolFailed, CpuTimeExceeded, Stopped.
    """
    if tools.ffprobe is None or not needs_measuring(picture, demuxer):
        return contents
    found = Measured()
    with_sizes = picture.codec not in INTRA_CODECS
    argv = measure_argv(tools.ffprobe, box.source_seen, demuxer, picture.index, sizes=with_sizes)
    checked_run(
        box,
        argv,
        clock=clock,
        stopped=stopped,
        stall_seconds=stall_seconds,
        on_line=found.take,
        bounds=Bounds(stdout=REPORT_BYTES),
        otherwise=Cause.DAMAGED,
    )
    if not found.packets:
        return contents
    measured = found.applied(picture)
    streams = tuple(measured if one.index == picture.index else one for one in contents.streams)
    return replace(contents, streams=streams, duration=contents.duration or measured.duration)
