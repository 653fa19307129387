"""Contents of films whose plan is tested: a picture with one sound."""

from dataclasses import replace
from fractions import Fraction

from tusd_py.worker.media.contents import Colour, Contents, Stream

PICTURE = Stream(
    index=0, kind="video", codec="h264", profile="High", width=1280, height=720, frames=300,
    duration=10.0,
    pixel_format="yuv420p", field_order="progressive", average_rate=Fraction(30),
    time_base=Fraction(1, 15360),
    bit_rate=8_000_000, disposition=frozenset({"default"}),
    colour=Colour("tv", "bt709", "bt709", "bt709"),
)  # fmt: skip
SOUND = Stream(
    index=1, kind="audio", codec="aac", profile="LC", channels=2, layout="stereo",
    sample_rate=48_000,
    duration=10.0, frames=470,
)  # fmt: skip


def film(*streams: Stream, **changes: object) -> Contents:
    found = Contents(duration=10.0, size=10_000_000, streams=streams or (PICTURE, SOUND))
    return replace(found, **changes)  # type: ignore[arg-type]
