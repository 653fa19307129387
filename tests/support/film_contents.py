"""Contents of a plain film of ten seconds, and of its web copy."""

from dataclasses import replace
from fractions import Fraction

from tusd_py.worker.media.contents import Colour, Contents, Stream

PICTURE = Stream(
    index=0, kind="video", codec="h264", profile="High", width=640, height=360, frames=300,
    duration=10.0,
    pixel_format="yuv420p", field_order="progressive", average_rate=Fraction(30),
    colour=Colour("tv", "bt709", "bt709", "bt709"),
)  # fmt: skip
SOUND = Stream(
    index=1, kind="audio", codec="aac", profile="LC", channels=2, layout="stereo", duration=10.0,
    tags={"language": "fra"}, disposition=frozenset({"default"}),
)  # fmt: skip

FILM = Contents(
    duration=10.0,
    streams=(PICTURE, SOUND),
    tags={"title": "T", "encoder": "x", "major_brand": "qt"},
)
MADE = replace(FILM, tags={"title": "T", "major_brand": "isom"})


def with_picture(**changes: object) -> Contents:
    return replace(FILM, streams=(replace(PICTURE, **changes), SOUND))  # type: ignore[arg-type]
