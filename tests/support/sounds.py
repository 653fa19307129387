"""Sample sounds of many kinds, made by the real ffmpeg.

A sound is one second of two tones, unless its options state otherwise.
"""

import re
import subprocess
from pathlib import Path
from typing import Final

from support.media import make

TAGS: Final = ("-metadata", "title=Ein Lied", "-metadata", "artist=Wir", "-metadata", "album=Eins")
CHAPTERS: Final = (
    ";FFMETADATA1\ntitle=Ein Buch\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle=Erstens\n"
    "[CHAPTER]\nTIMEBASE=1/10\nSTART=5\nEND=10\ntitle=Zweitens\n"
)


def tone(
    seconds: float = 1.0, *, layout: str = "stereo", rate: int = 44100, volume: float = 1.0
) -> list[str]:
    """Return the input of a tone; 1.0 is as loud as lavfi's ``sine``, an eighth of full scale."""
    source = f"sine=440:r={rate}:d={seconds},volume={volume},aformat=channel_layouts={layout}"
    return ["-f", "lavfi", "-i", source]


def sound(
    path: Path, *options: str, seconds: float = 1.0, layout: str = "stereo", rate: int = 44100
) -> Path:
    """Make a sound of the file name's kind, with ffmpeg's options for the output."""
    make([*tone(seconds, layout=layout, rate=rate), *options, str(path)])
    return path


def picture(path: Path, size: str = "120x90") -> Path:
    """Make a cover."""
    make(["-f", "lavfi", "-i", f"testsrc=s={size}:d=1", "-frames:v", "1", str(path)])
    return path


def covered(path: Path, cover: Path, *options: str) -> Path:
    """Make a sound with tags and a picture in it."""
    make(
        [
            *tone(), "-i", str(cover), "-map", "0", "-map", "1", "-c:v", "copy",
            "-disposition:v:0", "attached_pic", *TAGS, *options, str(path),
        ]
    )  # fmt: skip
    return path


def lufs(path: Path) -> float:
    """Return the integrated loudness, measured with ffmpeg's ebur128."""
    argv = [
        "ffmpeg",
        "-nostdin",
        "-nostats",
        "-i",
        str(path),
        "-af",
        "ebur128=metadata=1",
        "-f",
        "null",
        "-",
    ]
    text = subprocess.run(argv, check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"I: +(-?[0-9.]+) LUFS", text)[-1])
