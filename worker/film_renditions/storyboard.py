"""Makes the storyboard of a film: small pictures at equal intervals in one JPEG, and a map of them.

The map is WebVTT whose texts are addresses with media fragments
(https://www.w3.org/TR/media-frags/, 4.2.2), as players read it:
``?rendition=storyboard#xywh=160,0,160,90``.
"""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tusd_py.worker.film_renditions.film import Film, shown_size
from tusd_py.worker.film_renditions.poster import (
    KEY_FRAMES,
    MAX_JPEG_BYTES,
    START_OPTIONS,
    checked_jpeg,
    jpeg_argv,
)
from tusd_py.worker.film_renditions.stills import still_filters
from tusd_py.worker.film_renditions.webvtt import Cue, timestamp, write
from tusd_py.worker.film_renditions.workshop import RenditionCommand, Workshop
from tusd_py.worker.media.argv import input_argv

NAME: Final = "storyboard"
MAP_NAME: Final = "storyboard-map"
TILE_SIDE: Final = 160
"""Longest side of a small picture in pixels."""
MAX_TILES: Final = 100
COLUMNS: Final = 10
LEAST_SECONDS: Final = 1.0
"""Shortest interval between two pictures, in seconds."""
DECODED_PIXELS: Final = 1 << 31
"""Pixels of a film up to which every frame is decoded; in a longer one only key frames are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Describes the layout of the small pictures. Sizes are in pixels, times in seconds."""

    width: int
    height: int
    """Height of one small picture."""
    number: int
    interval: float
    duration: float

    @property
    def columns(self) -> int:
        """Return the number of columns."""
        return min(self.number, COLUMNS)

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return math.ceil(self.number / self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storyboard:
    """Holds the two files of a storyboard and the layout of its pictures."""

    picture: Path
    map: Path
    grid: Grid


def plan_storyboard(film: Film) -> Grid:
    """Return the number and the layout of a film's small pictures."""
    interval = max(film.duration / MAX_TILES, LEAST_SECONDS)
    width, height = shown_size(film.picture, TILE_SIDE)
    number = max(1, math.ceil(film.duration / interval - 1e-6))
    return Grid(
        width=width, height=height, number=number, interval=interval, duration=film.duration
    )


def storyboard_argv(
    source: str, output: str, *, ffmpeg: str, film: Film, grid: Grid, max_pixels: int
) -> list[str]:
    """Return the command line that writes all small pictures into one JPEG."""
    pixels = film.picture.width * film.picture.height * film.frame_rate * film.duration
    filters = (
        f"fps=fps={1 / grid.interval:.9f}:start_time=0:round=up",
        *still_filters(film.picture, (grid.width, grid.height)),
        # The last picture is repeated for those that may be missing at the end.
        "tpad=stop=-1:stop_mode=clone",
        f"tile={grid.columns}x{grid.rows}:nb_frames={grid.number}",
    )
    return [
        ffmpeg, *START_OPTIONS, "-max_pixels", str(max_pixels), "-threads", "1",
        *(KEY_FRAMES if pixels > DECODED_PIXELS else ()),
        *input_argv(source, film.demuxer), "-map", f"0:{film.picture.index}",
        "-vf", ",".join(filters), "-frames:v", "1", *jpeg_argv(output),
    ]  # fmt: skip


def storyboard_map(grid: Grid) -> str:
    """Return the map from times of the film to parts of the picture."""
    cues = []
    for number in range(grid.number):
        row, column = divmod(number, grid.columns)
        x, y = column * grid.width, row * grid.height
        start = number * grid.interval
        end = min(start + grid.interval, grid.duration)
        address = f"?rendition={NAME}#xywh={x},{y},{grid.width},{grid.height}"
        cues.append(Cue(timestamp(start), timestamp(max(end, start + 0.001)), address))
    return write(cues)


def make_storyboard(workshop: Workshop, film: Film, *, max_pixels: int) -> Storyboard:
    """Make both files. Raises: RenditionFailed, Stopped."""
    grid = plan_storyboard(film)
    (made,) = workshop.make(
        RenditionCommand(
            source=film.path,
            argv=partial(
                storyboard_argv,
                ffmpeg=workshop.tools.ffmpeg or "",
                film=film,
                grid=grid,
                max_pixels=max_pixels,
            ),
            names=(f"{NAME}.jpg",),
            largest=MAX_JPEG_BYTES,
            pixels=film.picture.width * film.picture.height,
        )
    )
    checked_jpeg(workshop, made, (grid.columns * grid.width, grid.rows * grid.height))
    path = workshop.folder / f"{MAP_NAME}.vtt"
    path.write_text(storyboard_map(grid), encoding="ascii")
    return Storyboard(picture=made, map=path, grid=grid)
