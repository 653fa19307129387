"""Sounds without a picture."""

import struct
from pathlib import Path

from media import checks, film_checks
from media.cases import Group
from media.scene import beeps, ffmpeg
from media.stills import still

GROUP = Group("sounds")
case = GROUP.case
HEARD = "a copy that browsers play; the original kept"


def _with_cover(path: Path, *codec: str) -> None:
    cover = path.with_name("cover.jpg")
    still(cover, "-c:v", "mjpeg", "-q:v", "3")
    ffmpeg(*beeps(6), "-i", cover, "-map", "0", "-map", "1", *codec, "-c:v", "copy",
           "-disposition:v", "attached_pic",
           "-metadata", "title=Song", "-metadata", "artist=Band", path)  # fmt: skip
    cover.unlink()


@case(
    "master.wav",
    "24 bit, 96 kHz: " + HEARD,
    film_checks.sound_only(),
    checks.smaller(),
    checks.rendition("waveform"),
)
def wav(path: Path) -> None:
    ffmpeg(*beeps(6, rate=96000), "-c:a", "pcm_s24le", path)


@case(
    "cover.mp3",
    "playable, the cover as a picture",
    film_checks.sound_only(),
    checks.rendition("cover"),
)
def mp3(path: Path) -> None:
    _with_cover(path, "-c:a", "libmp3lame", "-b:a", "320k")


@case(
    "cover.m4a",
    "playable, the cover as a picture",
    film_checks.sound_only(),
    checks.rendition("cover"),
)
def m4a(path: Path) -> None:
    _with_cover(path, "-c:a", "aac", "-b:a", "256k", "-f", "ipod")


@case("song.flac", HEARD, film_checks.sound_only())
def flac(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "flac", path)


@case("speech.opus", "playable", film_checks.sound_only())
def opus(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "libopus", path)


@case("song.ogg", "playable", film_checks.sound_only())
def vorbis(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "libvorbis", path)


@case("song.wma", HEARD, film_checks.sound_only())
def wma(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "wmav2", "-b:a", "192k", path)


@case("song.aiff", HEARD, film_checks.sound_only())
def aiff(path: Path) -> None:
    ffmpeg(*beeps(6), path)


@case("song.caf", HEARD, film_checks.sound_only())
def caf(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "pcm_s16be", path)


@case("song.mka", HEARD, film_checks.sound_only())
def mka(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "ac3", path)


@case("book.m4b", "playable", film_checks.sound_only())
def m4b(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "aac", "-b:a", "64k", "-f", "ipod", path)


@case("id3.aac", "playable, known for what it is", film_checks.sound_only())
def id3_aac(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "aac", "-b:a", "128k", "-f", "adts", path)
    frame = b"TIT2" + struct.pack(">IH", 5, 0) + b"\x03Song"
    size = len(frame)
    path.write_bytes(
        b"ID3\x03\0\0" + bytes([0, 0, size >> 7 & 127, size & 127]) + frame + path.read_bytes()
    )


@case("rf64.wav", HEARD, film_checks.sound_only())
def rf64(path: Path) -> None:
    ffmpeg(*beeps(6), "-c:a", "pcm_s16le", "-rf64", "always", path)
