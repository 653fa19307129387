"""Films that are broken, cut off, protected or empty."""

from pathlib import Path

from media import checks, film_checks, surgery
from media.cases import Group
from media.scene import AAC, beeps, ffmpeg, film, picture

GROUP = Group("damaged")
case = GROUP.case
AS_SENT = "kept as it was sent, with the reason"
RAW: dict[str, object] = {"measured": False}


@case(
    "96_cut.mp4",
    "kept, with a note that it is cut off",
    checks.kept(),
    checks.has_note("cut_off"),
    **RAW,
)
def cut_off(path: Path) -> None:
    film(path, "-movflags", "+faststart")
    surgery.cut(path, 0.6)


@case(
    "97_cut_no_index.mp4",
    AS_SENT,
    checks.kept(),
    checks.has_note("cut_off", "unreadable", "damaged"),
    **RAW,
)
def no_index(path: Path) -> None:
    film(path)
    surgery.cut(path, 0.8)


@case("98_garbled.mp4", AS_SENT, checks.kept(), checks.has_note("damaged"), **RAW)
def garbled(path: Path) -> None:
    film(path)
    surgery.garble(path, 0.3, 0.7, 400)


@case("99_zeroed.mp4", AS_SENT, checks.kept(), checks.has_note("damaged"), **RAW)
def zeroed(path: Path) -> None:
    film(path, audio=None)
    surgery.zero(path, 0.35, 0.65)


@case("100_garbled.ts", AS_SENT, checks.kept(), checks.has_note("damaged"), **RAW)
def garbled_ts(path: Path) -> None:
    film(path)
    surgery.garble(path, 0.3, 0.7, 400)


@case(
    "101_joined.ts",
    "all three parts, or kept",
    film_checks.film(sync=False, frames=225, may_be_kept=True, length=False),
)
def joined(path: Path) -> None:
    film(path, seconds=3)
    path.write_bytes(path.read_bytes() * 3)


@case(
    "109_cenc.mp4",
    "kept, with a note that it is protected",
    checks.kept(),
    checks.has_note("protected"),
    **RAW,
)
def protected(path: Path) -> None:
    film(path, "-encryption_scheme", "cenc-aes-ctr",
         "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb",
         "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")  # fmt: skip


@case("110_empty_moov.mp4", AS_SENT, checks.kept(), checks.has_note("empty"), **RAW)
def empty_moov(path: Path) -> None:
    film(path, "-movflags", "empty_moov+frag_keyframe")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moof") - 4])


@case("111_zero_bytes.mp4", "kept", checks.kept(), **RAW)
def zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


@case("145_dies_early.mp4", AS_SENT, checks.kept(), **RAW)
def dies_early(path: Path) -> None:
    film(path, audio=None)
    surgery.zero(path, 0.25, 0.97)


@case("117_typescript.ts", "kept, no remark", checks.kept(), checks.silent(), **RAW)
def typescript(path: Path) -> None:
    path.write_text("export const answer: number = 42\n" * 200)


@case("118_playlist.mp4", "kept; no file beside it is read", checks.kept(), **RAW)
def playlist(path: Path) -> None:
    path.write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n105_cut_packet.ts\n#EXT-X-ENDLIST\n"
    )


@case("127_cr3.cr3", "untouched", checks.kept(), **RAW)
def raw_photo(path: Path) -> None:
    made = path.with_name("made.mp4")
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=1", "-frames:v", "1", "-c:v", "mjpeg", made
    )
    surgery.set_brand(made, b"crx ")
    made.rename(path)


# This film has the brand of a picture: no decoder of pictures reads it, which a note may state.
@case("128_heic_sequence.heics", "untouched", checks.kept(), **RAW)
def heic_sequence(path: Path) -> None:
    made = path.with_name("made.mp4")
    ffmpeg(
        *picture(seconds=1),
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-crf",
        "6",
        "-x265-params",
        "log-level=error",
        made,
    )
    surgery.set_brand(made, b"hevc")
    made.rename(path)


@case("129_audio_only.mp4", "the sound", film_checks.sounds(1), **RAW)
def audio_only_mp4(path: Path) -> None:
    ffmpeg(*beeps(), *AAC, path)


@case("130_audio_only.webm", "the sound", film_checks.sounds(1), **RAW)
def audio_only_webm(path: Path) -> None:
    ffmpeg(*beeps(), "-c:a", "libopus", path)
