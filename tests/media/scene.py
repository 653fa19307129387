"""The picture and the sound that every made film shows, so that a result can be measured.

The picture is 320 by 180 dots in these coordinates, whatever its real size is. It has four corners
of different colours, four more hues, four steps of grey, and a box in the middle that is white for
a tenth of a second in each second. The sound is a beep at the same moments.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

WIDTH: Final = 320
HEIGHT: Final = 180
Colour = tuple[int, int, int]
Spot = tuple[int, int, int, int]

CORNERS: Final[dict[str, tuple[Spot, Colour]]] = {
    "top left": ((0, 0, 48, 36), (192, 0, 0)),
    "top right": ((272, 0, 48, 36), (0, 192, 0)),
    "bottom left": ((0, 144, 48, 36), (0, 0, 192)),
    "bottom right": ((272, 144, 48, 36), (192, 192, 0)),
}
HUES: Final[dict[str, tuple[Spot, Colour]]] = {
    "cyan": ((64, 36, 40, 32), (0, 192, 192)),
    "magenta": ((112, 36, 40, 32), (192, 0, 192)),
    "orange": ((168, 36, 40, 32), (192, 96, 0)),
    "violet": ((216, 36, 40, 32), (96, 0, 192)),
}
GREYS: Final[dict[str, tuple[Spot, Colour]]] = {
    f"grey {step}": ((64 + number * 50, 112, 40, 32), (step, step, step))
    for number, step in enumerate((64, 128, 192, 255))
}
SPOTS: Final = {**CORNERS, **HUES, **GREYS}
FLASH: Final[Spot] = (136, 76, 48, 28)
FLASH_AT: Final = 0.5
"""In each second, in seconds; the flash and the beep last a tenth of a second."""
BEEP_SECONDS: Final = 0.1

X264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", "-g", "50")
AAC: Final = ("-c:a", "aac", "-b:a", "160k")


def ffmpeg(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Run ffmpeg, which must succeed, and return what it wrote to its standard output."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin" if stdin is None else "-stdin", "-y",
         "-threads", "2", *map(str, arguments)],
        input=stdin, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    return done.stdout


def drawing(
    size: tuple[int, int] = (WIDTH, HEIGHT),
    *,
    rate: str = "25",
    seconds: float = 4,
    noise: int = 14,
    still: bool = False,
) -> str:
    """Return a filter graph that draws the picture in RGB."""
    width, height = size
    moving = f"testsrc2=s={width}x{height}:r={rate}:d={seconds},noise=alls={noise}:allf=t"
    plain = f"color=gray:s={width}x{height}:r={rate}:d={seconds}"
    boxes = [_box(spot, size, "0x" + bytes(colour).hex()) for spot, colour in SPOTS.values()]
    lit = f":enable='between(mod(t,1),{FLASH_AT}-0.0001,{FLASH_AT}+0.0999)'"
    boxes += [_box(FLASH, size, "black"), _box(FLASH, size, "white") + lit]
    return ",".join([plain if still else moving, "format=rgb24", *boxes])


def _box(spot: Spot, size: tuple[int, int], colour: str) -> str:
    x, y, w, h = spot
    left, top = round(x * size[0] / WIDTH), round(y * size[1] / HEIGHT)
    right, bottom = round((x + w) * size[0] / WIDTH), round((y + h) * size[1] / HEIGHT)
    return f"drawbox={left}:{top}:{max(1, right - left)}:{max(1, bottom - top)}:{colour}:fill"


def as_yuv(pixels: str = "yuv420p", matrix: str = "bt601", values: str = "tv") -> str:
    """Return the filters that turn the drawn RGB into YUV with this matrix and range."""
    scale = f"scale=out_color_matrix={matrix}:out_range={values}:flags=bicubic+accurate_rnd"
    return f"{scale},format={pixels}"


def picture(
    size: tuple[int, int] = (WIDTH, HEIGHT),
    *,
    rate: str = "25",
    seconds: float = 4,
    pixels: str = "yuv420p",
    matrix: str = "bt601",
    values: str = "tv",
    noise: int = 14,
    then: str = "",
) -> list[str]:
    """Return ffmpeg's arguments for the drawn picture as an input."""
    graph = (
        f"{drawing(size, rate=rate, seconds=seconds, noise=noise)},{as_yuv(pixels, matrix, values)}"
    )
    return ["-f", "lavfi", "-i", f"{graph}{',' + then if then else ''}"]


def beeps(
    seconds: float = 4, *, hz: int = 1000, rate: int = 48000, layout: str = "stereo",
    channels: int = 2,
    hiss: float = 0,
) -> list[str]:  # fmt: skip
    """Return ffmpeg's arguments for the beeps as an input; each channel has the same tone.

    ``hiss`` is the amplitude of noise in addition, without which an encoder needs hardly any bits.
    """
    lit = f"between(mod(t,1),{FLASH_AT},{FLASH_AT + BEEP_SECONDS})"
    tone = f"0.5*sin(2*PI*{hz}*t)*{lit}"
    noise = f"+{hiss}*(2*random({{0}})-1)" if hiss else ""
    expressions = "|".join(tone + noise.format(number) for number in range(channels))
    return ["-f", "lavfi", "-i", f"aevalsrc='{expressions}':s={rate}:d={seconds}:c={layout}"]


def film(
    path: Path,
    *out: str,
    video: Sequence[str] = X264,
    audio: Sequence[str] | None = AAC,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    rate: str = "25",
    seconds: float = 4,
    pixels: str = "yuv420p",
    matrix: str = "bt601",
    values: str = "tv",
    noise: int = 14,
    then: str = "",
    hz: int = 1000,
    sound_rate: int = 48000,
) -> None:
    """Make a film with the picture and, unless ``audio`` is None, the sound."""
    sound = [] if audio is None else beeps(seconds, rate=sound_rate, hz=hz)
    shown = picture(
        size, rate=rate, seconds=seconds, pixels=pixels, matrix=matrix, values=values,
        noise=noise, then=then,
    )  # fmt: skip
    ffmpeg(*shown, *sound, *video, *(audio or ()), *out, path)
