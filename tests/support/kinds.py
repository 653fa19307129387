"""One small file of each type that ffmpeg can write here, and bytes of those that it cannot."""

import io
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from support.media import make

_FILM: Final = "-f lavfi -i testsrc2=s=176x144:d=0.4:r=25"
_SOUND: Final = "-f lavfi -i sine=440:d=0.6"
_BOTH: Final = f"{_FILM} {_SOUND}"
_PICTURE: Final = "-f lavfi -i testsrc2=s=64x48:d=0.1:r=10 -frames:v 1"
_X264: Final = "-c:v libx264 -preset ultrafast -bf 0"
_DV: Final = "-f lavfi -i testsrc2=s=720x576:d=0.12:r=25 -pix_fmt yuv420p"

MADE: Final[Mapping[str, tuple[str, str]]] = {
    "film.mp4": ("mp4", f"{_BOTH} {_X264}"),
    "film.m4v": ("mp4", f"{_BOTH} {_X264} -f mp4 -brand M4V"),
    "film.f4v": ("mp4", f"{_BOTH} {_X264} -f f4v"),
    "fragments.mp4": ("mp4", f"{_BOTH} {_X264} -movflags frag_keyframe+empty_moov"),
    "film.mov": ("mov", f"{_BOTH} {_X264}"),
    "film.3gp": ("3gp", f"{_FILM} -c:v h263"),
    "film.3g2": ("3gp", f"{_FILM} -c:v mpeg4"),
    "film.mkv": ("mkv", f"{_BOTH} {_X264}"),
    "sound.mka": ("mkv", f"{_SOUND} -c:a flac"),
    "film.webm": ("webm", f"{_FILM} -c:v libvpx -deadline realtime -cpu-used 8"),
    "film.avi": ("avi", f"{_FILM} -c:v mpeg4"),
    "film.ts": ("ts", f"{_BOTH} {_X264}"),
    "film.m2ts": ("ts", f"{_BOTH} {_X264} -mpegts_m2ts_mode 1"),
    "film.mpg": ("mpg", f"{_BOTH} -c:v mpeg2video -f dvd"),
    "film1.mpg": ("mpg", f"{_BOTH} -c:v mpeg1video -f mpeg"),
    "film.m2v": ("m2v", f"{_FILM} -c:v mpeg2video -f mpeg2video"),
    "film.m1v": ("m2v", f"{_FILM} -c:v mpeg1video -f mpeg1video"),
    "film.h264": ("h264", f"{_FILM} {_X264} -f h264"),
    "film.hevc": (
        "hevc",
        f"{_FILM} -c:v libx265 -preset ultrafast -x265-params log-level=none -f hevc",
    ),
    "film.ivf": ("ivf", f"{_FILM} -c:v libvpx -deadline realtime -cpu-used 8"),
    "film.y4m": ("y4m", _FILM),
    "film.dv": ("dv", f"{_DV} -f dv"),
    "film.mxf": ("mxf", f"{_FILM} -c:v mpeg2video"),
    "film.gxf": ("gxf", f"{_DV} -c:v mpeg2video -f gxf"),
    "film.nut": ("nut", f"{_FILM} -c:v mpeg4 -f nut"),
    "film.rm": ("rm", f"{_FILM} -c:v rv20 -f rm"),
    "film.flv": ("flv", f"{_FILM} -c:v flv1"),
    "film.wmv": ("wmv", f"{_FILM} -c:v wmv2"),
    "sound.wma": ("wma", f"{_SOUND} -c:a wmav2"),
    "film.ogv": ("ogv", f"{_FILM} -c:v libtheora"),
    "sound.ogg": ("ogg", f"{_SOUND} -c:a libvorbis"),
    "sound.opus": ("ogg", f"{_SOUND} -c:a libopus"),
    "sound.mp3": ("mp3", f"{_SOUND} -c:a libmp3lame"),
    "bare.mp3": ("mp3", f"{_SOUND} -c:a libmp3lame -id3v2_version 0 -write_xing 0"),
    "sound.mp2": ("mp3", f"{_SOUND} -c:a mp2"),
    "sound.aac": ("aac", f"{_SOUND} -c:a aac"),
    "sound.ac3": ("ac3", f"{_SOUND} -c:a ac3"),
    "sound.eac3": ("eac3", f"{_SOUND} -c:a eac3"),
    "sound.dts": ("dts", f"{_SOUND} -c:a dca -strict -2 -ac 2 -ar 48000"),
    "sound.flac": ("flac", f"{_SOUND} -c:a flac"),
    "sound.wav": ("wav", _SOUND),
    "rf64.wav": ("wav", f"{_SOUND} -rf64 always"),
    "sound.w64": ("w64", f"{_SOUND} -f w64"),
    "sound.aiff": ("aiff", _SOUND),
    "sound.caf": ("caf", f"{_SOUND} -f caf"),
    "sound.wv": ("wavpack", _SOUND),
    "sound.tta": ("tta", _SOUND),
    "sound.au": ("au", _SOUND),
    "sound.m4a": ("m4a", f"{_SOUND} -c:a aac"),
    "picture.jpg": ("jpeg", _PICTURE),
    "picture.png": ("png", _PICTURE),
    "moving.png": ("png", f"{_FILM} -f apng"),
    "picture.gif": ("gif", _PICTURE),
    "picture.bmp": ("bmp", _PICTURE),
    "picture.tiff": ("tiff", _PICTURE),
    "picture.webp": ("webp", _PICTURE),
    "picture.avif": ("avif", f"{_PICTURE} -c:v libaom-av1 -still-picture 1 -cpu-used 8"),
    "picture.jxl": ("jxl", f"{_PICTURE} -c:v libjxl -f image2"),
    "picture.jp2": ("jp2", f"{_PICTURE} -c:v jpeg2000 -format jp2 -f image2"),
    "picture.j2k": ("j2k", f"{_PICTURE} -c:v jpeg2000 -format j2k -f image2"),
    "picture.ico": ("ico", _PICTURE),
}  # fmt: skip
"""The type's name and what makes it, by name."""


def made(folder: Path) -> dict[str, Path]:
    """Write every file of ``MADE``."""
    for name, (_, arguments) in MADE.items():
        make([*arguments.split(), str(folder / name)])
    return {name: folder / name for name in MADE}


def demuxed(path: Path, demuxer: str) -> bool:
    """Return whether ffmpeg reads the file's first packets with this demuxer alone."""
    ran = subprocess.run(
        ["ffmpeg", "-v", "error", "-xerror", "-format_whitelist", demuxer, "-f", demuxer,
         "-i", f"file:{path}", "-t", "0.1", "-c", "copy", "-f", "framecrc", "-"],
        check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    packets = [line for line in ran.stdout.splitlines() if not line.startswith("#")]
    return ran.returncode == 0 and bool(packets)


def box_file(major: bytes, *others: bytes) -> bytes:
    """Return a type box with these brands, and a media box."""
    brands = major + bytes(4) + b"".join(others)
    return (
        (8 + len(brands)).to_bytes(4, "big")
        + b"ftyp"
        + brands
        + bytes((0, 0, 0, 16))
        + b"mdat"
        + bytes(8)
    )


def packets(size: int, *, count: int = 40, cut: int = 0) -> bytes:
    """Return packets of a transport stream without its first ``cut`` bytes."""
    stamp = bytes(4) if size == 192 else b""
    check = bytes(16) if size == 204 else b""
    one = stamp + b"\x47\x01\x00\x10" + bytes(range(184)) + check
    return (one * (count + 1))[cut : cut + size * count]


def tag(size: int, *, version: int = 3) -> bytes:
    """Return an ID3 tag of ``size`` bytes after its header."""
    syncsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes((version, 0, 0)) + syncsafe + b"\x01" * size


def archive_of(entries: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive with these entries, not compressed, in this order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return target.getvalue()


def tiff(*tags: tuple[int, int, int, bytes | int], little: bool = True, at: int = 8) -> bytes:
    """Return a TIFF file whose first directory is at ``at``.

    The directory has these tags: number, type, count, value.
    """
    order = "little" if little else "big"
    entries, behind = b"", at + 2 + 12 * len(tags) + 4
    data = b""
    for number, kind, count, value in tags:
        if isinstance(value, bytes):
            field = (behind + len(data)).to_bytes(4, order)
            data += value
        else:
            field = (
                value.to_bytes(2, order).ljust(4, b"\0") if kind == 3 else value.to_bytes(4, order)
            )
        entries += (
            number.to_bytes(2, order) + kind.to_bytes(2, order) + count.to_bytes(4, order) + field
        )
    head = (b"II" if little else b"MM") + (42).to_bytes(2, order) + at.to_bytes(4, order)
    return head.ljust(at, b"\0") + len(tags).to_bytes(2, order) + entries + bytes(4) + data
