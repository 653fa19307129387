"""Makes renditions of a picture: sized, upright, in sRGB, with a watermark, in a named format."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyvips

from tusd_py.worker.images.boxed.marks import draw_mark
from tusd_py.worker.images.boxed.sources import Source

ANIMATED_FORMATS: Final = ("webp",)
WHITE: Final = (255, 255, 255)
FULL_SIZE: Final = 1 << 20
"""Side in pixels that is larger than any picture that is decoded."""


def make_renditions(
    source: Source, outputs: Sequence[Mapping[str, Any]], mark: Mapping[str, Any] | None
) -> dict[str, dict[str, int]]:
    """Write each output; return width, height and frames by name.

    For a still picture, sized outputs are made of the largest of them, which is kept in memory. An
    output in full size (``side`` 0) is not kept, so that a large picture is processed row by row.
    """
    made = {}
    larger: pyvips.Image | None = None
    for output in sorted(outputs, key=lambda output: -(output["side"] or FULL_SIZE)):
        side = output["side"] or FULL_SIZE
        animated = source.frames > 1 and output["format"] in ANIMATED_FORMATS and output["animated"]
        if animated:
            image = source.fitting(side, side, animated=True)
        elif larger is not None:
            image = larger.thumbnail_image(side, height=side, size="down")
        else:
            image = source.fitting(side, side, animated=False)
            if output["side"]:
                image = larger = image.copy_memory()
        image = _eight_bits(image)
        if mark is not None and output["marked"]:
            image = _marked(image, mark)
        _write(image, output)
        height = image.get("page-height") if animated else image.height
        frames = image.height // height
        made[output["name"]] = {"width": image.width, "height": height, "frames": frames}
    return made


def _eight_bits(image: pyvips.Image) -> pyvips.Image:
    """Return the picture as sRGB or grey of 8 bits."""
    if image.interpretation in ("srgb", "b-w") and image.format == "uchar":
        return image
    return image.colourspace("b-w" if image.bands < 3 else "srgb").cast("uchar")


def _marked(image: pyvips.Image, wanted: Mapping[str, Any]) -> pyvips.Image:
    fields = image.get_fields()
    height = image.get("page-height") if "page-height" in fields else image.height
    mark = draw_mark(wanted, image.width, height)
    pixels = mark.picture.tobytes()
    drawn = pyvips.Image.new_from_memory(pixels, *mark.picture.size, 4, "uchar")
    drawn = drawn.copy(interpretation="srgb")
    drawn = drawn.embed(mark.x, mark.y, image.width, height).replicate(1, image.height // height)
    composed = image.colourspace("srgb").composite2(drawn, "over").cast("uchar")
    return composed if image.hasalpha() else composed.extract_band(0, n=3)


def _write(image: pyvips.Image, output: Mapping[str, Any]) -> None:
    path, quality, keep = output["path"], output["quality"], output["keep"]
    match output["format"]:
        case "webp":
            image.webpsave(path, Q=quality, lossless=output["lossless"], keep=keep)
        case "jpeg":
            image.jpegsave(path, Q=quality, optimize_coding=True, background=WHITE, keep=keep)
        case "avif":
            image.heifsave(path, Q=quality, compression="av1", effort=2, bitdepth=8, keep=keep)
        case "png":
            image.pngsave(path, keep=keep)
