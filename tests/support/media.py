"""Sample files, made by the real ffmpeg."""

import subprocess
from pathlib import Path


def video(
    path: Path,
    *,
    seconds: float = 2.0,
    size: str = "160x120",
    crf: int = 4,
    rate: int = 15,
    sound: bool = True,
) -> Path:
    """Make a clip that shrinks when it is compressed: noise at a high bit rate."""
    sources = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}"]
    if sound:
        sources += ["-f", "lavfi", "-i", f"sine=440:d={seconds}"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", str(crf), "-bf", "0"]
    if path.suffix == ".webm":
        codecs = ["-c:v", "libvpx", "-b:v", "4M", "-deadline", "realtime", "-cpu-used", "8"]
    if path.suffix == ".avi":
        codecs = ["-c:v", "mpeg4", "-q:v", "1"]
    make(
        [
            *sources,
            *codecs,
            *(["-c:a", "libvorbis" if path.suffix == ".webm" else "aac"] if sound else []),
            str(path),
        ]
    )
    return path


def make(arguments: list[str]) -> None:
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", *arguments], check=True, stdin=subprocess.DEVNULL
    )


def probe(path: Path, entries: str) -> str:
    return subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "default=nw=1:nk=1", str(path)],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


def pixels_of(path: Path) -> bytes:
    """Return the RGB values of a picture, row by row."""
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
