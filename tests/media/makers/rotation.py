"""How a film is turned, its size and the shape of its dots."""

import math
from pathlib import Path

from media import film_checks
from media.cases import Group
from media.scene import ffmpeg, film
from media.surgery import set_matrix

GROUP = Group("rotation")
case = GROUP.case
UPRIGHT = "upright, in time"
EVEN = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "4")


def _turned(path: Path, then: str) -> None:
    """Make a film whose stored picture is turned, so that the matrix makes it upright again."""
    film(path, then=then)


@case("01_rot90.mp4", UPRIGHT, film_checks.film(), played=True)
def rot90(path: Path) -> None:
    _turned(path, "transpose=cclock")
    set_matrix(path, (0, 1, -1, 0))


@case("02_rot180.mp4", UPRIGHT, film_checks.film())
def rot180(path: Path) -> None:
    _turned(path, "hflip,vflip")
    set_matrix(path, (-1, 0, 0, -1))


@case("03_rot270.mp4", UPRIGHT, film_checks.film(), played=True)
def rot270(path: Path) -> None:
    _turned(path, "transpose=clock")
    set_matrix(path, (0, -1, 1, 0))


@case("04_mirror.mp4", UPRIGHT, film_checks.film(), played=True)
def mirror(path: Path) -> None:
    _turned(path, "hflip")
    set_matrix(path, (-1, 0, 0, 1))


@case("05_rot90_mirror.mp4", UPRIGHT, film_checks.film())
def rot90_mirror(path: Path) -> None:
    _turned(path, "transpose=cclock_flip")
    set_matrix(path, (0, 1, 1, 0))


@case("06_rot90_sar43.mp4", UPRIGHT, film_checks.film())
def rot90_sar(path: Path) -> None:
    _turned(path, "transpose=cclock,setsar=4/3")
    set_matrix(path, (0, 1, -1, 0))


@case(
    "147_rot45.mp4",
    "played (no player turns by 45 degrees)",
    film_checks.film(upright=False, colours=False, size=(320, 180)),
)
def rot45(path: Path) -> None:
    film(path)
    half = math.sqrt(0.5)
    set_matrix(path, (half, half, -half, half))


@case("40_321x241.mkv", "even size, aspect kept", film_checks.film(), played=True)
def odd_size(path: Path) -> None:
    film(path, size=(321, 241), pixels="yuv444p", video=EVEN)


@case("41_sar43.mp4", "aspect kept", film_checks.film(), played=True)
def wide_dots(path: Path) -> None:
    film(path, size=(240, 180), then="setsar=4/3")


@case(
    "50_2x2.mp4",
    "no loss",
    film_checks.film(colours=False, sync=False, upright=False, may_be_kept=True),
    measured=False,
)
def two_dots(path: Path) -> None:
    film(path, size=(2, 2), audio=None, seconds=1)


@case(
    "51_1x1.mkv",
    "kept, with the true reason",
    film_checks.film(colours=False, sync=False, upright=False, may_be_kept=True),
    measured=False,
)
def one_dot(path: Path) -> None:
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "color=red:s=2x2:r=25:d=1,format=rgb24,crop=1:1:0:0",
        "-c:v",
        "ffv1",
        path,
    )


@case(
    "52_8k.mp4",
    "encoded (smaller by the cap) or kept for the true reason",
    film_checks.film(may_be_kept=True, sync=False, capped=True),
)
def eight_k(path: Path) -> None:
    film(path, size=(7680, 4320), seconds=0.4, rate="10", audio=None, matrix="bt709", noise=4,
         video=("-c:v", "libx264", "-preset", "ultrafast", "-crf", "22"))  # fmt: skip


@case("53_4k_hevc10.mp4", "encoded", film_checks.film(sync=False), played=True)
def four_k(path: Path) -> None:
    film(path, size=(3840, 2160), seconds=0.4, rate="10", audio=None, matrix="bt709", noise=8,
         pixels="yuv420p10le", video=("-c:v", "libx265", "-preset", "ultrafast", "-crf", "12",
         "-x265-params", "log-level=error", "-tag:v", "hvc1"))  # fmt: skip


@case("54_4k60.mp4", "encoded", film_checks.film(sync=False))
def four_k_60(path: Path) -> None:
    film(path, size=(3840, 2160), seconds=0.4, rate="60", audio=None, matrix="bt709", noise=8,
         video=("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14"))  # fmt: skip


@case(
    "55_9000x100.mp4",
    "encoded or kept",
    film_checks.film(may_be_kept=True, sync=False, colours=False, capped=True),
)
def wide(path: Path) -> None:
    film(path, size=(9000, 100), seconds=1, audio=None)


@case(
    "119_720_to_360.ts",
    "the largest size, whole",
    film_checks.film(size=(640, 360), frames=100, colours=False),
)
def shrinking(path: Path) -> None:
    _joined(
        path,
        [(640, 360), (320, 180)],
        ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6"),
        ("-c:a", "mp2"),
    )


@case(
    "120_180_to_360.webm",
    "the largest size, 640x360",
    film_checks.film(size=(640, 360), colours=False, may_be_kept=False),
    played=True,
)
def growing(path: Path) -> None:
    _joined(path, [(320, 180), (640, 360)],
            ("-c:v", "libvpx", "-b:v", "6M", "-deadline", "realtime", "-cpu-used", "8"),
            ("-c:a", "libopus"))  # fmt: skip


def _joined(
    path: Path, sizes: list[tuple[int, int]], video: tuple[str, ...], audio: tuple[str, ...]
) -> None:
    parts = []
    for number, size in enumerate(sizes):
        part = path.with_name(f"{path.stem}-{number}{path.suffix}")
        film(part, size=size, seconds=2, video=video, audio=audio)
        parts.append(part)
    listed = path.with_suffix(".txt")
    listed.write_text("".join(f"file '{part.name}'\n" for part in parts))
    ffmpeg("-f", "concat", "-safe", "0", "-i", listed, "-c", "copy", path)
    for each in (*parts, listed):
        each.unlink()
