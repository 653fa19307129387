"""Frame rates, constant and not."""

from pathlib import Path

from media import checks, film_checks
from media.cases import Group
from media.scene import as_yuv, beeps, drawing, ffmpeg, film
from media.surgery import without_default_duration

GROUP = Group("rates")
case = GROUP.case
EXACT = "every frame at its time"
VP8 = ("-c:v", "libvpx", "-b:v", "4M", "-deadline", "realtime", "-cpu-used", "8")


def _jittered(path: Path, times: str, *out: str, rate: str = "25", seconds: float = 4,
              audio: tuple[str, ...] = ("-c:a", "aac"),
              video: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6",
                                        "-bf", "0"),
              audible: float | None = None, matrix: str = "bt601") -> None:  # fmt: skip
    """Make a film whose frames have times by an expression of ``setpts``.

    Flashes come by the picture's own time.
    """
    drawn = f"{drawing(rate=rate, seconds=seconds)},{as_yuv(matrix=matrix)}"
    graph = f"{drawn},settb=1/90000,setpts='{times}'"
    ffmpeg("-f", "lavfi", "-i", graph, *beeps(audible or seconds), "-fps_mode", "passthrough",
           "-enc_time_base:v", "1:90000" if path.suffix == ".mp4" else "1:1000", *video, *audio,
           *out, path)  # fmt: skip


@case("44_vfr_phone.mp4", EXACT, film_checks.film(), played=True)
def vfr_phone(path: Path) -> None:
    _jittered(path, "PTS+900*sin(N*1.7)+900+gt(N\\,40)*3000", rate="30", seconds=2, audible=2.2)


@case("45_120fps.mp4", EXACT, film_checks.film())
def fps120(path: Path) -> None:
    film(path, rate="120", seconds=2)


@case("46_240fps.mp4", EXACT, film_checks.film())
def fps240(path: Path) -> None:
    film(path, rate="240", seconds=2)


@case("47_23976.mp4", EXACT, film_checks.film())
def fps23976(path: Path) -> None:
    film(path, rate="24000/1001")


@case("48_2997.mp4", EXACT, film_checks.film())
def fps2997(path: Path) -> None:
    film(path, rate="30000/1001")


@case("49_quarter_fps.mp4", EXACT, film_checks.film(sync=False), played=True)
def slow(path: Path) -> None:
    film(
        path, rate="1/4", seconds=20, audio=("-c:a", "aac"), video=("-c:v", "libx264", "-crf", "2")
    )


@case("56_one_frame.mp4", "right", film_checks.film(sync=False))
def one_frame(path: Path) -> None:
    film(
        path,
        "-frames:v",
        "1",
        seconds=1,
        audio=None,
        video=("-c:v", "libx264", "-crf", "0", "-pix_fmt", "yuv420p"),
    )


@case("57_120ms.mp4", "right", film_checks.film(sync=False))
def short(path: Path) -> None:
    film(path, seconds=0.12)


@case("140_jitter.webm", EXACT, film_checks.film(), checks.smaller(), played=True)
def jitter(path: Path) -> None:
    _jittered(path, "PTS+floor(9*sin(N*2.3)+9)*90", "-colorspace", "bt709", "-color_range", "tv",
              video=VP8, audio=("-c:a", "libopus"), matrix="bt709")  # fmt: skip
    without_default_duration(path)


@case("141_phone_90k.mp4", EXACT, film_checks.film())
def phone_90k(path: Path) -> None:
    _jittered(
        path,
        "PTS+floor(200*sin(N*1.3)+200)",
        "-video_track_timescale",
        "90000",
        rate="30",
        seconds=3,
    )


@case("142_screen_1fps.mkv", EXACT, film_checks.film(sync=False))
def screen(path: Path) -> None:
    _jittered(path, "PTS+floor(300*sin(N*1.3)+300)*90", rate="1", seconds=12)


@case("143_long_jitter.webm", "done in seconds, timestamps kept", film_checks.film(sync=False))
def long_jitter(path: Path) -> None:
    _jittered(
        path,
        "PTS*1.003+floor(30*sin(N*1.3)+30)*90",
        rate="2",
        seconds=20,
        video=VP8,
        audio=("-c:a", "libopus"),
    )
    without_default_duration(path)


@case("144_slow_motion.mp4", "720 frames", film_checks.film())
def slow_motion(path: Path) -> None:
    # 240 frames a second in the middle second, 30 a second elsewhere: times in units of 1/90000 s.
    times = "if(lt(N\\,240)\\,N*3000\\,if(lt(N\\,480)\\,720000+(N-240)*375\\,810000+(N-480)*3000))"
    graph = f"{drawing(rate='30', seconds=24, noise=10)},{as_yuv()},settb=1/90000,setpts='{times}'"
    ffmpeg("-f", "lavfi", "-i", graph, *beeps(17), "-fps_mode", "passthrough",
           "-enc_time_base:v", "1:90000",
           "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-bf", "0", "-c:a", "aac",
           path)  # fmt: skip
