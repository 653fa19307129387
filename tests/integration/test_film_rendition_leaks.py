"""Crafted files make no program for renditions read other files, even without a sandbox."""

import subprocess
from functools import partial
from pathlib import Path

import pytest
from support.crafted import CRAFTED
from support.media import video

from tusd_py.worker.film_renditions.film import Film
from tusd_py.worker.film_renditions.hls import rung_argv
from tusd_py.worker.film_renditions.poster import Search, poster_argv, smaller_argv
from tusd_py.worker.film_renditions.storyboard import plan_storyboard, storyboard_argv
from tusd_py.worker.film_renditions.subtitles import subtitles_argv
from tusd_py.worker.media.choose import Chosen
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.pictures import HD, Picture

PICTURE = Stream(index=0, kind="video", codec="h264", width=160, height=120, duration=1.0)


def lines(demuxer: str) -> dict[str, partial[list[str]]]:
    chosen = Chosen(picture=PICTURE, sounds=(), subtitles=(), main_sound=None)
    film = Film(
        path=Path("x"), demuxer=demuxer, contents=Contents(duration=1.0, streams=(PICTURE,)),
        chosen=chosen
    )  # fmt: skip
    picture = Picture(
        index=0, filters=("format=yuv420p",), colour=HD, rate=15,
        time_base=None,  # type: ignore[arg-type]
        key_frame_distance=15,
    )  # fmt: skip
    search = Search(start=0.0, keys_only=False, only_showing=False)
    common = {"ffmpeg": "ffmpeg", "film": film, "max_pixels": 1 << 20}
    return {
        "poster": partial(poster_argv, search=search, size=(16, 12), **common),
        "storyboard": partial(storyboard_argv, grid=plan_storyboard(film), **common),
        "subtitles": partial(subtitles_argv, ffmpeg="ffmpeg", demuxer=demuxer, indexes=[0]),
        "hls": partial(rung_argv, picture=picture, preset="ultrafast", crf=30, threads=1, **common),
        "thumbnail": partial(smaller_argv, ffmpeg="ffmpeg", size=(16, 12)),
    }


@pytest.mark.parametrize("name", ["poster", "storyboard", "subtitles", "hls", "thumbnail"])
def test_no_rendition_reads_another_file(tmp_path: Path, name: str) -> None:
    victim = video(tmp_path / "victim.mp4", seconds=1.0)
    video(tmp_path / "victim.ts", seconds=1.0)
    outputs = [str(tmp_path / f"made{number}") for number in range(2 if name == "hls" else 1)]

    def run(source: Path, demuxer: str) -> int:
        argv = lines(demuxer)[name](str(source), *outputs)
        subprocess.run(argv, capture_output=True, check=False)
        made = Path(outputs[-1])
        return made.stat().st_size if made.exists() else 0

    for kind, text in CRAFTED.items():
        crafted = tmp_path / f"{kind}.mp4"
        crafted.write_text(text.format(target="victim.ts" if kind == "hls" else "victim.mp4"))
        for demuxer in ("mov", "matroska"):
            assert run(crafted, demuxer) == 0, (kind, demuxer)
    if name not in ("subtitles", "thumbnail"):
        assert run(victim, "mov") > 0  # This is the control.
