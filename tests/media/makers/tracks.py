"""Sounds in films: how many, how many channels, when they begin."""

from pathlib import Path

from media import film_checks
from media.cases import Group
from media.scene import AAC, X264, beeps, ffmpeg, film, picture
from media.surgery import empty_track

GROUP = Group("tracks")
case = GROUP.case
IN_TIME = "in time, right lengths"
CHANNELS = "64 kbit/s a channel, or stereo beside it"


@case(
    "66_multi_audio.mkv",
    "all three sounds, the default one kept",
    film_checks.film(),
    film_checks.sounds(3, languages=("eng", "fre", "jpn"), default_hz=2000),
    sound="0:a:1",
    played=True,
)
def three_languages(path: Path) -> None:
    ffmpeg(
        *picture(), *beeps(hz=1000), *beeps(hz=2000), *beeps(hz=3000), "-map", "0", "-map", "1",
        "-map", "2",
        "-map", "3", *X264, *AAC, "-metadata:s:a:0", "language=eng",
        "-metadata:s:a:0", "title=Commentary",
        "-metadata:s:a:1", "language=fre", "-metadata:s:a:2", "language=jpn",
        "-disposition:a:0", "comment",
        "-disposition:a:1", "default", "-disposition:a:2", "0", path,
    )  # fmt: skip


def _channels(path: Path, layout: str, channels: int, *codec: str) -> None:
    ffmpeg(*picture(), *beeps(layout=layout, channels=channels, hiss=0.04), *X264, *codec, path)


@case(
    "67_51.mkv", CHANNELS, film_checks.film(), film_checks.sounds(1, per_channel=64000), played=True
)
def surround51(path: Path) -> None:
    _channels(path, "5.1(side)", 6, "-c:a", "ac3", "-b:a", "448k")


@case("68_71.mkv", CHANNELS, film_checks.film(), film_checks.sounds(1, per_channel=64000))
def surround71(path: Path) -> None:
    _channels(path, "7.1", 8, "-c:a", "flac")


@case("131_opus51.webm", CHANNELS, film_checks.film(), film_checks.sounds(1, per_channel=64000))
def opus51(path: Path) -> None:
    ffmpeg(*picture(matrix="bt709"), *beeps(layout="5.1", channels=6, hiss=0.04), "-c:v", "libvpx",
           "-b:v", "4M", "-deadline",
           "realtime", "-cpu-used", "8", "-colorspace", "bt709", "-color_range", "tv",
           "-c:a", "libopus",
           "-b:a", "384k", path)  # fmt: skip


@case("148_opus71.mkv", CHANNELS, film_checks.film(), film_checks.sounds(1, per_channel=64000))
def opus71(path: Path) -> None:
    _channels(path, "7.1", 8, "-c:a", "libopus", "-b:a", "512k")


@case(
    "69_16ch.mkv",
    "mixed down, the original kept",
    film_checks.film(),
    film_checks.sounds(1),
    played=True,
)
def sixteen(path: Path) -> None:
    _channels(path, "hexadecagonal", 16, "-c:a", "pcm_s16le")


@case("149_mono_48k.mp4", "the sound copied", film_checks.film(), played=True)
def mono(path: Path) -> None:
    ffmpeg(*picture(), *beeps(layout="mono", channels=1), *X264, "-c:a", "aac", "-b:a", "48k", path)


@case("70_mulaw.mov", "AAC, in time", film_checks.film())
def mulaw(path: Path) -> None:
    ffmpeg(
        *picture(), *beeps(rate=8000, layout="mono", channels=1), *X264, "-c:a", "pcm_mulaw", path
    )


@case("71_no_audio.mp4", IN_TIME, film_checks.film(), played=True)
def silent(path: Path) -> None:
    film(path, audio=None)


@case("72_audio_longer.mp4", IN_TIME, film_checks.film())
def longer(path: Path) -> None:
    ffmpeg(*picture(seconds=3), *beeps(5), *X264, *AAC, path)


@case("73_audio_shorter.mp4", IN_TIME, film_checks.film())
def shorter(path: Path) -> None:
    ffmpeg(*picture(seconds=5), *beeps(3), *X264, *AAC, path)


@case("74_audio_late.mp4", IN_TIME, film_checks.film(), played=True)
def audio_late(path: Path) -> None:
    ffmpeg(*picture(seconds=5), "-itsoffset", "1.2", *beeps(3), *X264, *AAC, path)


@case("75_video_late.mp4", IN_TIME, film_checks.film())
def video_late(path: Path) -> None:
    ffmpeg("-itsoffset", "1.2", *picture(seconds=3), *beeps(5), *X264, *AAC, path)


@case("76_edit_list.mp4", IN_TIME, film_checks.film(), played=True)
def edit_list(path: Path) -> None:
    whole = path.with_name("whole.mp4")
    film(whole, seconds=5)
    ffmpeg("-ss", "1.3", "-i", whole, "-c", "copy", path)
    whole.unlink()


@case("77_negative.mkv", IN_TIME, film_checks.film())
def negative(path: Path) -> None:
    whole = path.with_name("whole.mkv")
    film(whole)
    ffmpeg(
        "-i",
        whole,
        "-c",
        "copy",
        "-output_ts_offset",
        "-0.4",
        "-avoid_negative_ts",
        "disabled",
        path,
    )
    whole.unlink()


@case("78_96k.mkv", "48 kHz is enough", film_checks.film())
def rate96(path: Path) -> None:
    ffmpeg(*picture(), *beeps(rate=96000), *X264, "-c:a", "flac", path)


@case("79_192k.mkv", "48 kHz is enough", film_checks.film())
def rate192(path: Path) -> None:
    ffmpeg(*picture(), *beeps(rate=192000), *X264, "-c:a", "pcm_s24le", path)


@case("80_24k.mp4", IN_TIME, film_checks.film())
def rate24(path: Path) -> None:
    ffmpeg(
        *picture(),
        *beeps(rate=24000, layout="mono", channels=1),
        *X264,
        "-c:a",
        "aac",
        "-b:a",
        "48k",
        path,
    )


@case(
    "81_empty_audio.mp4",
    "compressed without the empty sound",
    film_checks.film(sync=False),
    played=True,
)
def empty_audio(path: Path) -> None:
    film(path)
    empty_track(path, b"soun")


@case("82_audio_at_9s.ts", IN_TIME, film_checks.film())
def audio_at_9s(path: Path) -> None:
    ffmpeg(*picture(seconds=12, rate="12"), "-itsoffset", "9", *beeps(3), "-c:v", "libx264",
           "-preset", "ultrafast",
           "-crf", "2", "-c:a", "mp2", "-muxdelay", "0", path)  # fmt: skip
