"""Colours, bit depths, dynamic ranges, transparency, interlacing."""

import struct
from pathlib import Path

from media import checks, film_checks
from media.cases import Group
from media.scene import AAC, WIDTH, X264, as_yuv, beeps, drawing, ffmpeg, film
from media.surgery import add_to_sample_entry

GROUP = Group("colour")
case = GROUP.case
RIGHT = "right colours, in time"
MASTER = "right colours; the master kept"
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "6", "-tag:v", "hvc1", "-x265-params")
MASTERING = (
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):"
    "max-cll=1000,400"
)
HDR = "tone mapped, or kept"
NITS = 203
"""Where SDR white lies in HDR (ITU-R BT.2408)."""
HD = (1280, 720)


def _hdr(transfer: str) -> str:
    return (
        f"{drawing(noise=6)},format=gbrp,zscale=pin=bt709:tin=bt709:min=gbr:rin=full:p=bt2020:"
        f"t={transfer}:m=bt2020nc:r=limited:npl={NITS},format=yuv420p10le"
    )


def _hdr_film(path: Path, transfer: str, *video: str, audio: tuple[str, ...] = AAC) -> None:
    ffmpeg(
        "-f", "lavfi", "-i", _hdr(transfer), *beeps(), *video, "-color_primaries", "bt2020",
        "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv", *audio, path,
    )  # fmt: skip


def _x265(transfer: str, more: str = "") -> tuple[str, ...]:
    parameters = (
        f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:"
        "repeat-headers=1"
    )
    return (*X265, f"{parameters}:{more}" if more else parameters)


def _dolby(profile: int, compatible: int) -> bytes:
    """Return the body of a Dolby Vision configuration box: a record without RPUs in the stream."""
    level, flags = 3, 0b101
    return struct.pack(">BBHB", 1, 0, profile << 9 | level << 3 | flags, compatible << 4) + bytes(
        19
    )


TONED = (
    film_checks.greys(),
    film_checks.film(colours=False, may_be_kept=True, spots=255, upright=False),
)


@case("07_hdr10.mp4", HDR, *TONED, played=True)
def hdr10(path: Path) -> None:
    _hdr_film(path, "smpte2084", *_x265("smpte2084", f"hdr10=1:{MASTERING}"))


@case("08_hlg.mp4", HDR, *TONED, played=True)
def hlg(path: Path) -> None:
    _hdr_film(path, "arib-std-b67", *_x265("arib-std-b67"))


@case("09_dolby84.mp4", "kept, or tone mapped as HLG", *TONED)
def dolby84(path: Path) -> None:
    _hdr_film(path, "arib-std-b67", *_x265("arib-std-b67"))
    add_to_sample_entry(path, b"dvvC", _dolby(8, 4))


@case("10_dolby5.mp4", "kept", checks.kept(), checks.has_note("dolby_vision"))
def dolby5(path: Path) -> None:
    _hdr_film(path, "smpte2084", *_x265("smpte2084"))
    add_to_sample_entry(path, b"dvcC", _dolby(5, 0))


@case("11_hdr_vp9.webm", HDR, *TONED, played=True)
def hdr_vp9(path: Path) -> None:
    _hdr_film(path, "smpte2084", "-c:v", "libvpx-vp9", "-profile:v", "2", "-b:v", "6M", "-deadline",
              "realtime", "-cpu-used", "8", audio=("-c:a", "libopus"))  # fmt: skip


@case("12_hdr_h264.mp4", HDR, *TONED)
def hdr_h264(path: Path) -> None:
    _hdr_film(path, "smpte2084", *X264)


@case("13_hi10.mp4", MASTER, film_checks.film(), played=True)
def hi10(path: Path) -> None:
    film(path, pixels="yuv420p10le")


@case("14_422.mp4", MASTER, film_checks.film())
def half_chroma(path: Path) -> None:
    film(path, pixels="yuv422p")


@case("15_444.mp4", MASTER, film_checks.film())
def full_chroma(path: Path) -> None:
    film(path, pixels="yuv444p")


@case("16_full_range.mp4", RIGHT, film_checks.film(), played=True)
def full_range(path: Path) -> None:
    film(path, "-color_range", "pc", pixels="yuvj420p", values="pc")


def _rgb(path: Path, *video: str, pixels: str, audio: tuple[str, ...] = AAC) -> None:
    ffmpeg(
        "-f", "lavfi", "-i", f"{drawing(HD, seconds=1.6, rate='15', noise=4)},format={pixels}",
        *beeps(1.6),
        *video, *audio, path,
    )  # fmt: skip


@case("17_rgb_ffv1.mkv", "BT.709, tagged", film_checks.film(), played=True)
def rgb_ffv1(path: Path) -> None:
    _rgb(path, "-c:v", "ffv1", pixels="bgr0")


@case("18_rgb_h264.mkv", "BT.709, tagged", film_checks.film(), played=True)
def rgb_h264(path: Path) -> None:
    _rgb(path, "-c:v", "libx264rgb", "-preset", "ultrafast", "-crf", "4", pixels="rgb24")


@case("146_bgr.avi", "BT.709, tagged", film_checks.film(), played=True)
def bgr_avi(path: Path) -> None:
    _rgb(path, "-c:v", "rawvideo", pixels="bgr24", audio=("-c:a", "pcm_s16le"))


@case("19_gray.mkv", RIGHT, film_checks.film(colours=False, upright=False))
def gray(path: Path) -> None:
    film(path, pixels="gray", video=("-c:v", "ffv1"))


@case("39_png.mov", RIGHT, film_checks.film(), played=True)
def png_mov(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", f"{drawing()},format=rgb24", *beeps(), "-c:v", "png", *AAC, path)


def _alpha(path: Path, *video: str, pixels: str, audio: tuple[str, ...] = AAC) -> None:
    hole = f"color=white:s={WIDTH}x180:r=25:d=4,drawbox=0:80:60:30:black:fill,format=gray[m]"
    turned = "" if pixels == "argb" else f",{as_yuv('yuva444p')}"
    graph = f"{drawing()}[a];{hole};[a][m]alphamerge{turned},format={pixels}"
    ffmpeg("-f", "lavfi", "-i", graph, *beeps(), *video, *audio, path)


@case("20_qtrle.mov", "the original with its alpha kept", film_checks.film(may_be_kept=True))
def qtrle(path: Path) -> None:
    _alpha(path, "-c:v", "qtrle", pixels="argb")


@case("21_prores4444.mov", "the original with its alpha kept", film_checks.film(may_be_kept=True))
def prores4444(path: Path) -> None:
    _alpha(
        path, "-c:v", "prores_ks", "-profile:v", "4444", "-alpha_bits", "8", pixels="yuva444p10le"
    )


@case("33_vp8_alpha.webm", "the original with its alpha kept", film_checks.film(may_be_kept=True))
def vp8_alpha(path: Path) -> None:
    _alpha(path, "-c:v", "libvpx", "-auto-alt-ref", "0", "-b:v", "6M", "-deadline", "realtime",
           "-cpu-used", "8",
           pixels="yuva420p", audio=("-c:a", "libvorbis"))  # fmt: skip


@case("22_prores_hq.mov", MASTER, film_checks.film())
def prores_hq(path: Path) -> None:
    film(path, video=("-c:v", "prores_ks", "-profile:v", "3"), pixels="yuv422p10le")


@case("23_dnxhr.mov", MASTER, film_checks.film())
def dnxhr(path: Path) -> None:
    film(path, video=("-c:v", "dnxhd", "-profile:v", "dnxhr_hq"), pixels="yuv422p", matrix="bt709")


@case("24_ffv1_10.mkv", MASTER, film_checks.film())
def ffv1_10(path: Path) -> None:
    film(path, video=("-c:v", "ffv1"), pixels="yuv422p10le", audio=("-c:a", "flac"))


@case("25_huffyuv.avi", MASTER, film_checks.film())
def huffyuv(path: Path) -> None:
    film(path, video=("-c:v", "huffyuv"), pixels="yuv422p", audio=("-c:a", "pcm_s16le"))


@case("133_bt601_hd.mp4", RIGHT, film_checks.film(), played=True)
def bt601_hd(path: Path) -> None:
    film(path, "-colorspace", "smpte170m", "-color_primaries", "smpte170m",
         "-color_trc", "smpte170m",
         size=HD, seconds=1.6, rate="15")  # fmt: skip


@case("134_prores_untagged.mov", RIGHT, film_checks.film())
def prores_untagged(path: Path) -> None:
    film(path, video=("-c:v", "prores_ks", "-profile:v", "2"), pixels="yuv422p10le", matrix="bt709",
         size=HD, seconds=1.6, rate="15")  # fmt: skip


SD = (720, 576)
FIELDS = "deinterlaced"


def interlaced(
    path: Path, order: str, *video: str, audio: tuple[str, ...] = AAC, sar: str = "16/15"
) -> None:
    weave = f"interlace=scan={order}:lowpass=off,{as_yuv()},setfield={order},setsar={sar}"
    graph = f"{drawing(SD, rate='50', seconds=2, noise=2)},format=yuv444p,{weave}"
    ffmpeg("-f", "lavfi", "-i", graph, *beeps(2), *video, *audio, path)


COMBED = (
    film_checks.not_combed(),
    film_checks.film(colours=False, sync=False, length=True, frames=None),
)


@case(
    "42_576i.mp4",
    FIELDS,
    film_checks.not_combed(),
    film_checks.film(colours=False, frames=-1),
    played=True,
)
def tff(path: Path) -> None:
    interlaced(path, "tff", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8",
               "-flags", "+ildct+ilme",
                "-x264opts", "tff=1")  # fmt: skip


@case(
    "43_576i_bff.ts", FIELDS, film_checks.not_combed(), film_checks.film(colours=False, frames=-1)
)
def bff(path: Path) -> None:
    interlaced(
        path,
        "bff",
        "-c:v",
        "mpeg2video",
        "-q:v",
        "2",
        "-flags",
        "+ildct+ilme",
        audio=("-c:a", "mp2"),
    )


@case("31_dvd.vob", FIELDS, film_checks.not_combed(), film_checks.film(colours=False, frames=-1))
def dvd(path: Path) -> None:
    interlaced(
        path,
        "tff",
        "-c:v",
        "mpeg2video",
        "-q:v",
        "2",
        "-flags",
        "+ildct+ilme",
        "-f",
        "vob",
        audio=("-c:a", "ac3"),
    )


@case("38_dv.avi", FIELDS, film_checks.not_combed(), film_checks.film(colours=False, frames=-1))
def dv(path: Path) -> None:
    interlaced(path, "bff", "-c:v", "dvvideo", "-pix_fmt", "yuv420p", audio=("-c:a", "pcm_s16le"))


@case(
    "135_telecine.mpg",
    "deinterlaced or 24 frames a second",
    film_checks.not_combed(),
    film_checks.film(colours=False, frames=-1, sync=False),
)
def telecine(path: Path) -> None:
    drawn = drawing((720, 480), rate="24000/1001", seconds=3, noise=2)
    graph = f"{drawn},{as_yuv()},telecine=pattern=23"
    ffmpeg("-f", "lavfi", "-i", graph, *beeps(3), "-r", "30000/1001", "-c:v", "mpeg2video",
           "-q:v", "2",
           "-flags", "+ildct+ilme", "-c:a", "mp2", path)  # fmt: skip
