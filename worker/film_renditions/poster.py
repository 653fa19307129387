"""Makes the poster of a film, one frame with visible content as JPEG, and a small copy of it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tusd_py.worker.film_renditions.film import Film, shown_size
from tusd_py.worker.film_renditions.stills import still_filters
from tusd_py.worker.film_renditions.workshop import RenditionCommand, RenditionFailed, Workshop
from tusd_py.worker.media.argv import input_argv

KEY_FRAMES: Final = ("-skip_frame:v", "nokey")
"""Options of an input of which only key frames are decoded.

The other packets are read too: without them (``-discard nokey``) ffmpeg reports wrong times where
frames are reordered.
"""
JPEG_DEMUXER: Final = "mjpeg"
MAX_JPEG_SIDE: Final = 65_500
MAX_JPEG_BYTES: Final = 32 << 20
JPEG_QUALITY: Final = "3"
"""Quality on ffmpeg's scale from 2 (best) to 31."""
START_SHARE: Final = 0.1
"""Share of the film at which the search begins: after the first title, in most films."""
ALL_FRAMES_SECONDS: Final = 30.0
"""Length of a film up to which every frame is a candidate; in a longer one only key frames are."""
SEARCHED_SECONDS: Final = 300.0
"""Length of the part that is searched."""
CANDIDATE_BYTES: Final = 128 << 20
"""Memory for the frames from which ffmpeg's filter ``thumbnail`` chooses the most typical one."""
MAX_CANDIDATES: Final = 40
LEAST_ENTROPY: Final = 0.2
"""Least entropy of brightness.

0 is one value (black, white, any single colour); 1 is all values equally often.
"""
LEAST_BRIGHTNESS: Final = 20
"""Least mean brightness of a frame, from 0 to 255."""
START_OPTIONS: Final = ("-nostdin", "-hide_banner", "-v", "level+error", "-y")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Describes where to search for a frame."""

    start: float
    """Position in seconds at which the search begins."""
    keys_only: bool
    only_showing: bool
    """Whether dark frames and frames of a single colour are skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """Describes a JPEG picture. Sizes are in pixels."""

    path: Path
    width: int
    height: int


def searches(duration: float) -> tuple[Search, ...]:
    """Return where to search for a frame, in order, until one is found."""
    keys_only = duration > ALL_FRAMES_SECONDS
    behind = duration * START_SHARE
    found = (
        Search(start=behind, keys_only=keys_only, only_showing=True),
        Search(start=duration / 2, keys_only=keys_only, only_showing=True),
        Search(start=0.0, keys_only=keys_only, only_showing=True),
        Search(start=behind, keys_only=False, only_showing=False),
        Search(start=0.0, keys_only=False, only_showing=False),
    )
    return tuple(dict.fromkeys(found))


def poster_argv(
    source: str,
    output: str,
    *,
    ffmpeg: str,
    film: Film,
    search: Search,
    size: tuple[int, int],
    max_pixels: int,
) -> list[str]:
    """Return the command line that writes one frame as JPEG, or an empty file if none is found."""
    filters = still_filters(film.picture, size)
    if search.only_showing:
        filters += _only_showing()
    filters += (f"thumbnail={_candidates(size)}",)
    return [
        ffmpeg, *START_OPTIONS, "-max_pixels", str(max_pixels), "-threads", "1",
        *(KEY_FRAMES if search.keys_only else ()),
        "-ss", f"{search.start:.3f}", "-t", f"{SEARCHED_SECONDS:.0f}",
        *input_argv(source, film.demuxer), "-map", f"0:{film.picture.index}",
        "-vf", ",".join(filters), "-frames:v", "1", *jpeg_argv(output),
    ]  # fmt: skip


def smaller_argv(source: str, output: str, *, ffmpeg: str, size: tuple[int, int]) -> list[str]:
    """Return the command line that writes a JPEG picture again in another size."""
    width, height = size
    return [
        ffmpeg, *START_OPTIONS, "-threads", "1", *input_argv(source, JPEG_DEMUXER),
        "-vf", f"scale={width}:{height}:flags=area,format=yuvj420p", "-frames:v", "1",
        *jpeg_argv(output),
    ]  # fmt: skip


def jpeg_argv(output: str) -> list[str]:
    """Return the options of an output that is one JPEG picture."""
    return [
        "-threads", "1", "-filter_threads", "1", "-map_metadata", "-1", "-c:v", "mjpeg",
        "-q:v", JPEG_QUALITY, "-huffman", "optimal", "-bitexact", "-f", "mjpeg", f"file:{output}",
    ]  # fmt: skip


def _only_showing() -> tuple[str, ...]:
    return (
        "entropy",
        "metadata=select:key=lavfi.entropy.normalized_entropy.normal.Y"
        f":value={LEAST_ENTROPY}:function=greater",
        "signalstats",
        f"metadata=select:key=lavfi.signalstats.YAVG:value={LEAST_BRIGHTNESS}:function=greater",
    )


def _candidates(size: tuple[int, int]) -> int:
    frame = size[0] * size[1] * 3 // 2
    return max(2, min(MAX_CANDIDATES, CANDIDATE_BYTES // frame))


def make_poster(workshop: Workshop, film: Film, *, longest: int, max_pixels: int) -> Still:
    """Make the poster.

    Args: longest: limit of its longer side in pixels.
    Raises: RenditionFailed, Stopped.
    """
    size = shown_size(film.picture, min(longest, MAX_JPEG_SIDE))
    ffmpeg = workshop.tools.ffmpeg or ""
    reason = RenditionFailed("no search")
    for search in searches(film.duration):
        order = RenditionCommand(
            source=film.path,
            argv=partial(
                poster_argv,
                ffmpeg=ffmpeg,
                film=film,
                search=search,
                size=size,
                max_pixels=max_pixels,
            ),
            names=("poster.jpg",),
            largest=MAX_JPEG_BYTES,
            pixels=film.picture.width * film.picture.height,
        )
        try:
            (made,) = workshop.make(order)
            return checked_jpeg(workshop, made, size)
        except RenditionFailed as error:
            reason = error
    raise reason


def make_thumbnail(workshop: Workshop, poster: Still, *, width: int) -> Still:
    """Make a copy of a poster that is at most ``width`` pixels wide.

    Raises: RenditionFailed, Stopped.
    """
    width = min(width, poster.width)
    size = width, max(1, round(poster.height * width / poster.width))
    (made,) = workshop.make(
        RenditionCommand(
            source=poster.path,
            argv=partial(smaller_argv, ffmpeg=workshop.tools.ffmpeg or "", size=size),
            names=("thumbnail.jpg",),
            largest=MAX_JPEG_BYTES,
            pixels=poster.width * poster.height,
        )
    )
    return checked_jpeg(workshop, made, size)


def checked_jpeg(workshop: Workshop, path: Path, size: tuple[int, int]) -> Still:
    """Return a file as a still if it is one JPEG picture of this size.

    Raises: RenditionFailed, Stopped.
    """
    found = workshop.look(path, JPEG_DEMUXER)
    picture = found.streams[0]
    if (picture.codec, picture.width, picture.height) != ("mjpeg", *size):
        raise RenditionFailed("it is no JPEG picture of the right size")
    return Still(path=path, width=size[0], height=size[1])
