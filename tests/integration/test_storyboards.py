"""Storyboards of films: each small picture is that of its time, and the map states its place."""

import re
from pathlib import Path

import pytest
from support.film_workshop import film_at, workshop_in
from support.media import make, pixels_of

from tusd_py.worker.film_renditions.storyboard import (
    DECODED_PIXELS,
    Grid,
    make_storyboard,
    plan_storyboard,
    storyboard_argv,
    storyboard_map,
)
from tusd_py.worker.film_renditions.webvtt import read

# The brightness is that of the second: 40 in the first, 70 in the second ...
CLOCK = "color=black:s=64x36:r=10:d=5.5,format=yuv420p,geq=lum=40+30*floor(T):cb=128:cr=128"


@pytest.mark.parametrize("distance", [1, 10], ids=["every frame", "a key frame a second"])
def test_each_small_picture_is_that_of_its_time(
    tmp_path: Path, distance: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "film.mp4"
    make(
        [
            "-f",
            "lavfi",
            "-i",
            CLOCK,
            "-c:v",
            "libx264",
            "-crf",
            "1",
            "-g",
            str(distance),
            str(source),
        ]
    )
    workshop = workshop_in(tmp_path / "work")
    film = film_at(workshop, source)
    if distance > 1:
        monkeypatch.setattr("tusd_py.worker.film_renditions.storyboard.DECODED_PIXELS", 0)
    board = make_storyboard(workshop, film, max_pixels=1 << 20)
    assert (board.grid.columns, board.grid.rows, board.grid.number) == (6, 1, 6)
    rgb = pixels_of(board.picture)
    cues = read(board.map.read_bytes())
    assert len(cues) == 6
    for second, cue in enumerate(cues):
        found = re.fullmatch(r"\?rendition=storyboard#xywh=(\d+),(\d+),(\d+),(\d+)", cue.text)
        assert found is not None
        x, y, width, height = map(int, found.groups())
        assert (x, y, width, height) == (second * 64, 0, 64, 36)
        assert cue.start == f"00:00:0{second}.000"
        wanted = (40 + 30 * second - 16) * 255 / 219
        assert abs(rgb[3 * (18 * 6 * 64 + x + 32)] - wanted) < 12, second
    assert cues[-1].end == "00:00:05.500"


def test_a_long_film_has_a_hundred_and_reads_key_frames(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    make(["-f", "lavfi", "-i", "color=s=36x64:r=1:d=1", "-c:v", "libx264", str(source)])
    film = film_at(workshop_in(tmp_path), source)
    object.__setattr__(film.picture, "duration", 7200.0)
    grid = plan_storyboard(film)
    assert (grid.number, grid.interval, grid.columns, grid.rows) == (100, 72.0, 10, 10)
    given = {"ffmpeg": "ffmpeg", "grid": grid, "max_pixels": 1}
    assert "-skip_frame:v" not in storyboard_argv("in", "out", film=film, **given)
    object.__setattr__(film.picture, "width", DECODED_PIXELS // 7200 // 64 + 1)
    assert "-skip_frame:v" in storyboard_argv("in", "out", film=film, **given)


def test_the_map_of_a_grid_goes_row_by_row() -> None:
    grid = Grid(width=160, height=90, number=12, interval=2.5, duration=29.0)
    cues = read(storyboard_map(grid).encode())
    assert [cue.text.partition("=")[2] for cue in cues[9:]] == [
        "storyboard#xywh=1440,0,160,90",
        "storyboard#xywh=0,90,160,90",
        "storyboard#xywh=160,90,160,90",
    ]
    assert (cues[-1].start, cues[-1].end) == ("00:00:27.500", "00:00:29.000")
