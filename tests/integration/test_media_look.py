"""What is read about a file before it is worked on, and what is believed of it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.boxes import box_of, ran
from support.films import encode_line
from support.media import make, video
from support.media import probe as probed

from tusd_py.clock import SystemClock
from tusd_py.settings.model import Settings
from tusd_py.worker.media.argv import probe_argv
from tusd_py.worker.media.probe import inspect_media, parse_ffprobe
from tusd_py.worker.media.tools import discover


def test_a_cover_before_the_film_is_passed_over(tmp_path: Path) -> None:
    cover, source, made = tmp_path / "cover.png", tmp_path / "clip.mp4", tmp_path / "made.mp4"
    film = video(tmp_path / "film.mp4", seconds=1.0)
    make(["-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", str(cover)])
    make(
        [
            "-i", str(cover), "-i", str(film), "-map", "0", "-map", "1", "-c", "copy",
            "-disposition:v:0", "attached_pic", str(source),
        ]
    )  # fmt: skip
    _put_covers_first(source)
    ended = ran(encode_line(source, "mov", seen=str(source), output=str(made)))
    assert ended.code == 0, ended.stderr
    found = parse_ffprobe(ran(probe_argv("ffprobe", str(made), "mov")).stdout)
    assert found is not None
    assert (found.width, found.frames) == (160, 15)


def _put_covers_first(path: Path) -> None:
    """Move an MP4's user data before its tracks, so that its cover is the first stream."""
    parts = dict(_boxes(path.read_bytes()))
    inner = sorted(_boxes(parts["moov"][8:]), key=lambda box: box[0] not in ("mvhd", "udta"))
    parts["moov"] = parts["moov"][:8] + b"".join(content for _, content in inner)
    path.write_bytes(b"".join(parts.values()))
    assert probed(path, "stream=codec_name").split()[0] == "png"


def _boxes(content: bytes) -> Iterator[tuple[str, bytes]]:
    while content:
        size = int.from_bytes(content[:4])
        yield content[4:8].decode("ascii"), content[:size]
        content = content[size:]


def test_tags_are_not_read(tmp_path: Path) -> None:
    tags = tmp_path / "tags"
    value = "\x01" * 60_000
    lines = "".join(f"tag{number}={value}\n" for number in range(100))
    tags.write_text(f";FFMETADATA1\n{lines}")
    source = tmp_path / "tags.mkv"
    make(
        [
            "-f", "lavfi", "-i", "color=s=64x64:d=0.2", "-i", str(tags), "-map_metadata", "1",
            "-c:v", "libx264", str(source),
        ]
    )  # fmt: skip
    assert source.stat().st_size > 5_000_000
    written = subprocess.run(
        probe_argv("ffprobe", str(source), "matroska"), capture_output=True, text=True, check=True
    ).stdout
    assert len(written) < 2000
    found = parse_ffprobe(written)
    assert found is not None
    assert (found.width, found.height, found.has_video) == (64, 64, True)
    seen = inspect_media(
        discover(Settings()), box_of("rlimit", source), "matroska", clock=SystemClock(),
        stopped=lambda: False
    )  # fmt: skip
    assert seen is not None
    assert (seen.of_kind("video")[0].width, seen.is_complete, dict(seen.tags)) == (64, False, {})


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"streams": {}}',
        '{"streams": [{"width": ' + "9" * 5000 + "}]}",
        '{"format": "long"}',
    ],
)
def test_what_ffprobe_never_writes_is_no_video(text: str) -> None:
    assert parse_ffprobe(text) is None


@pytest.mark.parametrize("width", ["-1", "1e300", '"9"', "[]", "null"])
def test_a_width_that_is_none(width: str) -> None:
    found = parse_ffprobe('{"streams": [1, {"codec_type": "video", "width": ' + width + "}]}")
    assert found is not None
    assert (found.has_video, found.width) == (True, 0)


@pytest.mark.parametrize("duration", ["nan", "inf", "1e999", "-1", "0", "x", ""])
def test_a_duration_that_is_none(duration: str) -> None:
    stream = {"codec_type": "video", "nb_frames": duration, "avg_frame_rate": "1/0"}
    found = parse_ffprobe(json.dumps({"streams": [stream], "format": {"duration": duration}}))
    assert found is not None
    assert (found.duration, found.frames or 0, found.frame_rate) == (None, 0, None)
