"""Containers and codecs, and the names under which they are sent."""

from pathlib import Path

from media import checks, film_checks
from media.cases import Group
from media.makers.colour import interlaced
from media.scene import AAC, beeps, ffmpeg, film, picture

GROUP = Group("containers")
case = GROUP.case
RIGHT = "right colours, in time"
MP3 = ("-c:a", "libmp3lame")
OPUS = ("-c:a", "libopus")
VP8 = ("-c:v", "libvpx", "-b:v", "6M", "-deadline", "realtime", "-cpu-used", "8")
VP9 = ("-c:v", "libvpx-vp9", "-b:v", "6M", "-deadline", "realtime", "-cpu-used", "8")
LOW = ("-c:v", "libx264", "-crf", "38")
HEVC = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-tag:v",
    "hvc1",
    "-x265-params",
    "log-level=error",
    "-crf",
)
TAGGED = (
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
    "-color_range",
    "tv",
)


@case("26_mjpeg.avi", RIGHT, film_checks.film(), played=True)
def mjpeg(path: Path) -> None:
    film(
        path,
        video=("-c:v", "mjpeg", "-q:v", "2"),
        pixels="yuvj420p",
        values="pc",
        audio=("-c:a", "pcm_u8"),
        sound_rate=11025,
    )


@case("27_xvid.avi", RIGHT, film_checks.film())
def xvid(path: Path) -> None:
    film(path, video=("-c:v", "libxvid", "-q:v", "2"), audio=MP3)


@case("28_wmv2.wmv", RIGHT, film_checks.film(), played=True)
def wmv(path: Path) -> None:
    film(path, video=("-c:v", "wmv2", "-q:v", "2"), audio=("-c:a", "wmav2"))


@case("29_flv.flv", RIGHT, film_checks.film())
def flv(path: Path) -> None:
    film(path, video=("-c:v", "flv1", "-q:v", "2"), audio=MP3, sound_rate=44100)


@case("30_h263.3gp", RIGHT, film_checks.film())
def h263(path: Path) -> None:
    film(path, video=("-c:v", "h263", "-q:v", "2"), size=(352, 288), rate="30000/1001")


@case("32_theora.ogv", RIGHT, film_checks.film(), played=True)
def theora(path: Path) -> None:
    film(path, video=("-c:v", "libtheora", "-q:v", "10"), audio=("-c:a", "libvorbis"))


@case("34_vp9_444.webm", RIGHT, film_checks.film())
def vp9_444(path: Path) -> None:
    film(path, video=VP9, pixels="yuv444p", audio=OPUS)


@case("35_av1.mp4", RIGHT, film_checks.film(), played=True)
def av1(path: Path) -> None:
    film(path, video=("-c:v", "libsvtav1", "-preset", "12", "-crf", "12"), seconds=3)


@case("36_mpeg4_mp3.mp4", RIGHT, film_checks.film())
def mpeg4(path: Path) -> None:
    film(path, video=("-c:v", "mpeg4", "-q:v", "2"), audio=MP3)


@case("37_hevc.mp4", RIGHT, film_checks.film(), played=True)
def hevc(path: Path) -> None:
    film(path, video=(*HEVC, "6"))


@case("39b_mpeg1.mpg", RIGHT, film_checks.film())
def mpeg1(path: Path) -> None:
    film(path, video=("-c:v", "mpeg1video", "-q:v", "2"), audio=("-c:a", "mp2"))


@case("126_ogg_flac.ogv", RIGHT, film_checks.film())
def ogg_flac(path: Path) -> None:
    film(path, video=("-c:v", "libtheora", "-q:v", "10"), audio=("-c:a", "flac"))


@case("93_fragmented.mp4", RIGHT, film_checks.film(), played=True)
def fragmented(path: Path) -> None:
    film(path, "-movflags", "frag_keyframe+empty_moov")


@case("94_index_last.mp4", "the index moved to the front", film_checks.film(), played=True)
def index_last(path: Path) -> None:
    film(path, video=LOW, noise=0, audio=("-c:a", "aac", "-b:a", "64k"))


@case("95_hevc_small.mp4", "a copy that browsers play", film_checks.film(), played=True)
def hevc_small(path: Path) -> None:
    film(
        path,
        "-movflags",
        "+faststart",
        video=(*HEVC, "38"),
        noise=0,
        audio=("-c:a", "aac", "-b:a", "64k"),
    )


@case("102_wrap.ts", RIGHT, film_checks.film())
def wrap(path: Path) -> None:
    film(path, "-output_ts_offset", "95441", "-muxdelay", "0", "-muxpreload", "0")


@case("103_m2ts.m2ts", RIGHT, film_checks.film())
def m2ts(path: Path) -> None:
    film(path, "-mpegts_m2ts_mode", "1", "-f", "mpegts")


@case(
    "105_cut_packet.ts",
    "compressed",
    film_checks.film(frames=-1, sync=False, colours=False),
    checks.smaller(),
)
def cut_packet(path: Path) -> None:
    film(path, "-g", "10")
    path.write_bytes(path.read_bytes()[100:])


@case("106_piped_vp8.webm", RIGHT, film_checks.film(), played=True)
def piped_vp8(path: Path) -> None:
    _piped(path, *VP8, *TAGGED, *OPUS, matrix="bt709")


@case("108_piped_vp9.webm", RIGHT, film_checks.film())
def piped_vp9(path: Path) -> None:
    _piped(path, *VP9, *OPUS)


@case("107_piped.mkv", RIGHT, film_checks.film())
def piped_mkv(path: Path) -> None:
    _piped(path, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", *AAC)


@case("150_live.mkv", RIGHT, film_checks.film())
def live_mkv(path: Path) -> None:
    _piped(path, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", *AAC, "-live", "1")


def _piped(path: Path, *codecs: str, matrix: str = "bt601") -> None:
    kind = "webm" if path.suffix == ".webm" else "matroska"
    path.write_bytes(ffmpeg(*picture(matrix=matrix), *beeps(), *codecs, "-f", kind, "-"))


def _odd_name(path: Path, kind: str = "mp4") -> None:
    film(path, "-f", kind, noise=17)


@case("112_mp4.avi", "processed, with a note", film_checks.film())
def named_avi(path: Path) -> None:
    _odd_name(path)


@case("114_mp4.jpg", "as it is under its own name", film_checks.film(), after=True)
def named_jpg(path: Path) -> None:
    _odd_name(path)


@case("115_same.MP4", "as it is under its own name", film_checks.film(), after=True)
def named_upper(path: Path) -> None:
    _odd_name(path)


@case("151_same.insv", "as it is under its own name", film_checks.film(), after=True)
def named_insv(path: Path) -> None:
    _odd_name(path)


@case("113_mkv.mp4", "processed, with a note", film_checks.film())
def mkv_as_mp4(path: Path) -> None:
    film(path, "-f", "matroska", noise=16)


@case("116_no_extension", "compressed", film_checks.film(), checks.smaller())
def no_extension(path: Path) -> None:
    film(path, "-f", "mp4", noise=15)


@case("152_film.m4v", "compressed", film_checks.film(), checks.smaller())
def m4v(path: Path) -> None:
    film(path, "-f", "mp4", noise=13)


@case("153_film.f4v", "compressed", film_checks.film(), checks.smaller())
def f4v(path: Path) -> None:
    film(path, "-f", "f4v", noise=12)


PROCESSED = "processed, or kept with a note that says why"


@case("121_film.mxf", PROCESSED, film_checks.film())
def mxf(path: Path) -> None:
    film(path, video=("-c:v", "mpeg2video", "-q:v", "2"), audio=("-c:a", "pcm_s16le"))


@case(
    "122_tape.dv", PROCESSED, film_checks.not_combed(), film_checks.film(colours=False, frames=-1)
)
def raw_dv(path: Path) -> None:
    interlaced(path, "bff", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", audio=("-c:a", "pcm_s16le"))


@case("123_raw.h264", PROCESSED, film_checks.film(sync=False, length=False))
def raw_h264(path: Path) -> None:
    film(
        path, audio=None, video=("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", "-bf", "0")
    )


@case("124_raw.m2v", PROCESSED, film_checks.film(sync=False, length=False))
def raw_m2v(path: Path) -> None:
    film(path, audio=None, video=("-c:v", "mpeg2video", "-q:v", "2"))


@case("125_real.rm", PROCESSED, film_checks.film(sync=False))
def real(path: Path) -> None:
    film(
        path,
        video=("-c:v", "rv20", "-q:v", "2"),
        audio=("-c:a", "ac3", "-ar", "44100"),
        size=(352, 288),
    )


@case("154_segment.m4s", "kept, with a note that says why", checks.kept(), measured=False)
def segment(path: Path) -> None:
    whole = path.with_suffix(".mp4")
    film(whole, "-movflags", "frag_keyframe+empty_moov+default_base_moof")
    data = whole.read_bytes()
    whole.unlink()
    body = data[data.index(b"moof") - 4 :]
    path.write_bytes(b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix" + body)


@case("132_small.mp4", "not larger", film_checks.film())
def small(path: Path) -> None:
    film(
        path,
        "-movflags",
        "+faststart",
        video=LOW,
        noise=0,
        seconds=2,
        size=(160, 90),
        audio=("-c:a", "aac", "-b:a", "32k"),
    )


@case("155_gain15.mp4", "compressed or as it was", film_checks.film())
def little_gain(path: Path) -> None:
    film(path, video=("-c:v", "libx264", "-preset", "veryfast", "-crf", "21"), noise=4)
