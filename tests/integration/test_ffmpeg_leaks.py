"""Crafted files must not make ffmpeg read their neighbours, by any of the ways known to us."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.clock import FakeClock
from support.crafted import CONCAT, CRAFTED
from support.films import encoding_of
from support.media import video

from tusd_py.clock import SystemClock
from tusd_py.domain.filetypes import TYPES
from tusd_py.domain.signatures.identify import identify
from tusd_py.file_pieces import look_into
from tusd_py.settings.model import Settings
from tusd_py.worker.media.argv import input_argv, measure_argv
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.film_argv import copy_argv, encode_argv
from tusd_py.worker.media.plan import Copy
from tusd_py.worker.media.probe import parse_ffmpeg, parse_ffprobe, probe
from tusd_py.worker.media.run import Stalled, Stopped, run
from tusd_py.worker.media.sandbox import Limits, Sandbox, strongest
from tusd_py.worker.media.tools import discover

LIMITS = Limits(memory=2 << 30, file_size=64 << 20, cpu=60)

GUARDED = ("mov", "matroska", "mpegts", "avi")


@pytest.fixture
def neighbours(tmp_path: Path) -> Path:
    video(tmp_path / "victim.ts", seconds=1.0)
    video(tmp_path / "victim.mp4", seconds=1.0)
    shutil.copy(tmp_path / "victim.mp4", tmp_path / "0f3a9c")
    return tmp_path


@pytest.mark.parametrize("demuxer", GUARDED)
@pytest.mark.parametrize(
    "target", ["victim.ts", "victim.mp4", "0f3a9c", "/etc/passwd", "http://127.0.0.1:1/x"]
)
@pytest.mark.parametrize("kind", CRAFTED)
def test_the_guards_hold_even_without_a_sandbox(
    neighbours: Path, kind: str, target: str, demuxer: str
) -> None:
    crafted = neighbours / "crafted.mp4"
    crafted.write_text(CRAFTED[kind].format(target=target))
    assert identify(look_into(crafted)) is None
    frames = neighbours / "frame-%d.png"
    subprocess.run(
        [
            "ffmpeg",
            "-nostdin",
            "-v",
            "quiet",
            "-y",
            *input_argv(str(crafted), demuxer),
            "-frames:v",
            "3",
            str(frames),
        ],
        check=False,
    )
    assert list(neighbours.glob("frame-*.png")) == []


def test_no_other_types_demuxer_reads_a_neighbour(neighbours: Path) -> None:
    demuxers = {kind.demuxer for kind in TYPES} - {"", *GUARDED}
    assert len(demuxers) > 25
    crafted = neighbours / "crafted"
    crafted.write_text(CONCAT.format(target="victim.mp4"))
    for demuxer in sorted(demuxers):
        argv = ["ffmpeg", "-nostdin", "-v", "quiet", *input_argv(str(crafted), demuxer)]
        ran = subprocess.run(
            [*argv, "-t", "1", "-f", "framecrc", "-"], capture_output=True, text=True, check=False
        )
        assert [line for line in ran.stdout.splitlines() if line[0] != "#"] == [], demuxer


def test_without_the_guards_the_neighbour_is_read(neighbours: Path) -> None:
    """The same crafted file does leak without the guards, so the test above can fail."""
    crafted = neighbours / "crafted.mp4"
    crafted.write_text(CONCAT.format(target="victim.mp4"))
    subprocess.run(
        [
            "ffmpeg",
            "-nostdin",
            "-v",
            "quiet",
            "-y",
            "-i",
            f"file:{crafted}",
            "-frames:v",
            "3",
            str(neighbours / "frame-%d.png"),
        ],
        check=False,
    )
    assert list(neighbours.glob("frame-*.png"))


def test_guards_stand_before_the_input() -> None:
    film = Stream(
        index=0, kind="video", codec="hevc", width=160, height=120, pixel_format="yuv420p"
    )
    contents = Contents(duration=1.0, streams=(film,))
    plan = encoding_of(contents, "mov")
    copy = Copy(container="mp4", sounds=(), subtitles=(), tags=plan.tags)
    argvs = [
        encode_argv(
            "ffmpeg", plan, source="-y.mp4", output="o", demuxer="mov", max_pixels=9, threads=1
        ),
        copy_argv("ffmpeg", copy, 0, source="-y.mp4", output="o", demuxer="mov"),
        measure_argv("ffprobe", "-y.mp4", "mov", 0, sizes=True),
    ]
    for argv in argvs:
        at = argv.index("-i")
        assert argv[at + 1] == "file:-y.mp4"
        for guard in ("-protocol_whitelist", "-format_whitelist", "-f"):
            assert argv.index(guard) < at
    assert argvs[0].index("-max_pixels") < argvs[0].index("-i")


@pytest.mark.parametrize("kind", ["bwrap", "rlimit"])
def test_the_box_runs_ffprobe_and_shows_it_nothing_else(tmp_path: Path, kind: str) -> None:
    assert strongest(kind) == kind  # type: ignore[arg-type]
    source = video(tmp_path / "clip.mp4")
    box = Sandbox(kind=kind, source=source, output=None, limits=LIMITS)  # type: ignore[arg-type]
    found = probe(discover(Settings()), box, "mov", clock=SystemClock(), stopped=lambda: False)
    assert found is not None
    assert (found.has_video, found.has_audio, found.width, found.height) == (True, True, 160, 120)
    listing = run(
        box.wrap(["ls", "/etc/passwd", str(tmp_path)]),
        clock=SystemClock(),
        stopped=lambda: False,
        wall_seconds=10,
    )
    assert (listing.code == 0) == (kind == "rlimit")


def test_what_is_written_beyond_the_limit_ends_the_program(tmp_path: Path) -> None:
    small = Limits(memory=1 << 30, file_size=1000, cpu=10)
    box = Sandbox(kind="rlimit", source=tmp_path, output=None, limits=small)
    done = run(
        box.wrap(["dd", "if=/dev/zero", f"of={tmp_path / 'big'}", "bs=1000", "count=10"]),
        clock=SystemClock(),
        stopped=lambda: False,
        wall_seconds=10,
    )
    assert done.code != 0
    assert (tmp_path / "big").stat().st_size == 1000


def test_a_cancelled_program_is_ended_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(
            ["sh", "-c", "sleep 100 & sleep 100"],
            clock=SystemClock(),
            stopped=lambda: True,
            wall_seconds=100,
        )


def test_a_program_that_stands_still_is_ended() -> None:
    clock = FakeClock()

    def stopped() -> bool:
        clock.advance(30)
        return False

    with pytest.raises(Stalled):
        run(
            ["sleep", "100"],
            clock=clock,
            stopped=stopped,
            wall_seconds=1000,
            stall_seconds=60,
            on_line=lambda _: True,
        )


def test_ffmpeg_reports_what_ffprobe_reports(tmp_path: Path) -> None:
    source = video(tmp_path / "clip.mp4")
    done = subprocess.run(
        ["ffmpeg", "-hide_banner", *input_argv(str(source), "mov")],
        capture_output=True,
        text=True,
        check=False,
    )
    reported = parse_ffmpeg(done.stderr)
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", str(source)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    other = parse_ffprobe(probed.stdout)
    assert reported is not None
    assert other is not None
    assert (reported.has_video, reported.has_audio, reported.width, reported.height) == (
        True,
        True,
        other.width,
        other.height,
    )
    assert reported.duration is not None
    assert other.duration is not None
    assert abs(reported.duration - other.duration) < 0.1
    assert parse_ffmpeg("no streams here") is None
    assert parse_ffprobe("not json") is None


def test_the_shipped_ffmpeg_serves_where_there_is_none() -> None:
    tools = discover(
        Settings.model_validate(
            {"media": {"ffmpeg": "no-such-program", "ffprobe": "no-such-program"}}
        )
    )
    assert tools.ffmpeg is not None
    assert "imageio_ffmpeg" in tools.ffmpeg
    assert tools.ffprobe is None
    assert "ffmpeg" in tools.sentence()
