"""Pictures: orientation, colour spaces, animation, rare formats, bombs."""

from pathlib import Path

from media import checks, picture_checks
from media.cases import Group
from media.scene import drawing, ffmpeg, film
from media.stills import cmyk_jpeg, display_p3, exif, heic, insert_segment, jpeg, large_png, still

GROUP = Group("pictures")
case = GROUP.case
SEEN = "a picture that browsers show, right; the original kept"
MOVING = "still animated"


@case(
    "gps_rot6.jpg",
    "upright; the place kept by the default policy",
    picture_checks.image(),
    picture_checks.image_tags(b"Exif"),
)
def oriented(path: Path) -> None:
    jpeg(path, "transpose=cclock")
    insert_segment(path, 0xE1, exif(6, gps=True))


@case("cmyk.jpg", SEEN, picture_checks.image(colours=110))
def cmyk(path: Path) -> None:
    cmyk_jpeg(path)


@case("wide_gamut.jpg", "profile kept or colours converted", picture_checks.image(wide=True))
def wide(path: Path) -> None:
    jpeg(path)
    insert_segment(path, 0xE2, b"ICC_PROFILE\0\x01\x01" + display_p3())


@case("animated.gif", MOVING, picture_checks.image(colours=60), picture_checks.animated())
def gif(path: Path) -> None:
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        f"{drawing(rate='10', seconds=1.5, noise=3)},split[a][b];[a]palettegen[p];[b][p]paletteuse",
        path,
    )


@case("animated.apng", MOVING, picture_checks.image(), picture_checks.animated())
def apng(path: Path) -> None:
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        f"{drawing(rate='10', seconds=1, noise=3)},format=rgb24",
        "-plays",
        "0",
        "-f",
        "apng",
        path,
    )


@case("animated.webp", MOVING, picture_checks.image(colours=24), picture_checks.animated())
def webp(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", f"{drawing(rate='10', seconds=1, noise=3)},format=bgra",
           "-c:v", "libwebp_anim", "-q:v", "95",
           "-loop", "0", path)  # fmt: skip


@case("photo.heic", SEEN, picture_checks.image(colours=24), picture_checks.common_picture())
def heic_photo(path: Path) -> None:
    heic(path)


@case("photo.avif", SEEN, picture_checks.image(colours=24))
def avif(path: Path) -> None:
    still(path, "-c:v", "libaom-av1", "-cpu-used", "8", "-crf", "8", "-still-picture", "1",
          "-color_range", "tv",
          "-colorspace", "smpte170m", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1",
          graph="scale=out_color_matrix=bt601:out_range=tv,format=yuv444p")  # fmt: skip


@case("photo.jxl", SEEN, picture_checks.image(colours=24), picture_checks.common_picture())
def jxl(path: Path) -> None:
    still(path, "-c:v", "libjxl", "-distance", "0.5", graph="format=rgb24")


@case("photo.jp2", SEEN, picture_checks.image(colours=24), picture_checks.common_picture())
def jp2(path: Path) -> None:
    still(path, "-c:v", "jpeg2000", "-pix_fmt", "rgb24", "-q:v", "2")


@case("deep.tiff", "16 bit; " + SEEN, picture_checks.image(), picture_checks.common_picture())
def tiff(path: Path) -> None:
    still(path, "-c:v", "tiff", "-pix_fmt", "rgb48le")


@case("144_megapixels.png", "kept, or a smaller one; memory bounded", checks.completed())
def large(path: Path) -> None:
    large_png(path)


@case(
    "motion_photo.jpg",
    "the picture; the film behind it kept in the original",
    picture_checks.image(),
)
def motion(path: Path) -> None:
    jpeg(path)
    behind = path.with_name("behind.mp4")
    film(behind, seconds=1, size=(160, 90))
    path.write_bytes(path.read_bytes() + behind.read_bytes())
    behind.unlink()


@case("drawing.svg", "untouched", checks.kept())
def svg(path: Path) -> None:
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180">'
        '<rect width="48" height="36" fill="#c00000"/></svg>'
    )
