"""Builds the filters that make a still picture of a film's frames.

The picture is upright, in square pixels, without fields, and in the colours of JPEG, which has no
tags for them: full range, and the matrix of BT.601 (JFIF 1.02).
"""

from typing import Final

from tusd_py.worker.media.contents import Stream
from tusd_py.worker.media.pictures import SD_HEIGHT, tone_mapped
from tusd_py.worker.media.pixel_format import pixel_format

_MATRICES: Final = {
    "bt709": "bt709",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "smpte240m",
    "fcc": "fcc",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
"""Names of matrices: from ffmpeg's names in files to those of its scaler."""


def has_true_colours(picture: Stream) -> bool:
    """Return whether usual screens can show the frames.

    They can't show Dolby Vision without a base layer.
    """
    return picture.dolby_vision is None or picture.dolby_vision_base not in (0, None)


def still_filters(picture: Stream, size: tuple[int, int]) -> tuple[str, ...]:
    """Return the filters for one frame at a time, which use no neighbouring frame.

    ffmpeg itself turns the frame upright before them.
    Args: size: width and height of the result in pixels.
    """
    width, height = size
    # Keep one of the two fields: filters that join fields need the neighbouring frames.
    is_interlaced = picture.field_order in ("tt", "bb", "tb", "bt")
    fields = ("field=type=top",) if is_interlaced else ()
    scaled = f"scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int"
    if picture.colour.is_hdr:
        shown = (
            scaled,
            *tone_mapped(picture),
            "format=yuv420p",
            _to_jpeg("scale", "bt709", "limited"),
        )
    else:
        is_full = picture.colour.range == "pc" or picture.pixel_format.startswith("yuvj")
        range_ = "full" if is_full or _is_rgb(picture) else "limited"
        shown = (_to_jpeg(scaled, _matrix(picture), range_),)
    return (*fields, *shown, "setsar=1", "format=yuvj420p")


def _to_jpeg(scale: str, matrix: str, range_: str) -> str:
    first = "=" if scale == "scale" else ":"
    return (
        f"{scale}{first}in_color_matrix={matrix}:in_range={range_}"
        ":out_color_matrix=bt601:out_range=full"
    )


def _is_rgb(picture: Stream) -> bool:
    known = pixel_format(picture.pixel_format)
    return known is not None and known.chroma == "rgb"


def _matrix(picture: Stream) -> str:
    """Return the matrix of the frames.

    If the file states none, return the one that players assume for the size.
    """
    usual = "bt709" if max(picture.height, picture.width * 9 // 16) >= SD_HEIGHT else "bt601"
    return _MATRICES.get(picture.colour.space, usual)
