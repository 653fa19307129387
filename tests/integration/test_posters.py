"""Posters of films: they show something, upright, in square pixels, in the film's colours."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.film_workshop import film_at, workshop_in
from support.media import make, pixels_of

from tusd_py.worker.film_renditions.poster import make_poster, make_thumbnail
from tusd_py.worker.film_renditions.workshop import RenditionFailed
from tusd_py.worker.media.sandbox import Kind

X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p"]
# Four corners: red, green; blue, white.
CORNERS = (
    "color=c0c0c0:s=128x64:r=10:d=1,drawbox=0:0:64:32:red:fill,drawbox=64:0:64:32:lime:fill,"
    "drawbox=0:32:64:32:blue:fill,drawbox=64:32:64:32:white:fill"
)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def poster_of(folder: Path, source: Path, **options: object) -> tuple[int, int, bytes]:
    """Return width, height and the RGB values of the poster."""
    workshop = workshop_in(folder / "work")
    film = film_at(workshop, source)
    still = make_poster(workshop, film, **{"longest": 1000, "max_pixels": 1 << 22, **options})  # type: ignore[arg-type]
    return still.width, still.height, pixels_of(still.path)


def corners(poster: tuple[int, int, bytes]) -> list[tuple[int, ...]]:
    """Return the colours in the middle of each quarter, row by row."""
    width, height, rgb = poster
    places = [(x, y) for y in (1, 3) for x in (1, 3)]
    starts = [3 * ((y * height // 4) * width + x * width // 4) for x, y in places]
    return [tuple(rgb[start : start + 3]) for start in starts]


def is_near(found: list[tuple[int, ...]], wanted: list[tuple[int, ...]], by: int = 8) -> bool:
    return all(
        abs(one - other) <= by
        for colour, right in zip(found, wanted, strict=True)
        for one, other in zip(colour, right, strict=True)
    )


@pytest.mark.parametrize(
    ("matrix", "size"), [("bt709", "1280x720"), ("bt470bg", "128x64"), ("", "128x64"),
                         ("", "1280x720")]
)  # fmt: skip
def test_colours_are_those_of_the_film(tmp_path: Path, matrix: str, size: str) -> None:
    source = tmp_path / "film.mp4"
    tags = ["-colorspace", matrix] if matrix else []
    used = matrix or ("bt709" if size == "1280x720" else "bt470bg")
    scaler = {"bt709": "bt709", "bt470bg": "bt601"}[used]
    scale = (
        f"scale={size.replace('x', ':')}:flags=neighbor:out_color_matrix={scaler},format=yuv420p"
    )
    make(["-f", "lavfi", "-i", f"{CORNERS},format=rgb24,{scale}", *X264, *tags, str(source)])
    found = corners(poster_of(tmp_path, source))
    assert is_near(found, [RED, GREEN, BLUE, WHITE]), found


@pytest.mark.parametrize(
    ("degrees", "size", "wanted"),
    [
        (90, (64, 128), [GREEN, WHITE, RED, BLUE]),
        (180, (128, 64), [WHITE, BLUE, GREEN, RED]),
        (270, (64, 128), [BLUE, RED, WHITE, GREEN]),
    ],
)
def test_a_turned_film_has_an_upright_poster(
    tmp_path: Path, degrees: int, size: tuple[int, int], wanted: list[tuple[int, ...]]
) -> None:
    plain, source = tmp_path / "plain.mp4", tmp_path / "film.mp4"
    make(["-f", "lavfi", "-i", f"{CORNERS},format=yuv420p", *X264, str(plain)])
    make(["-i", str(plain), "-c", "copy", "-metadata:s:v:0", f"rotate={degrees}", str(source)])
    poster = poster_of(tmp_path, source)
    assert poster[:2] == size
    found = corners(poster)
    assert is_near(found, wanted), found


def test_pixels_of_a_poster_are_square(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    make(["-f", "lavfi", "-i", f"{CORNERS},setsar=4/3,format=yuv420p", *X264, str(source)])
    poster = poster_of(tmp_path, source)
    assert poster[:2] == (171, 64)
    assert is_near(corners(poster), [RED, GREEN, BLUE, WHITE])
    assert poster_of(tmp_path, source, longest=100)[:2] == (100, 38)


@pytest.mark.parametrize("black", ["beginning", "all", "all but the end"])
def test_a_poster_shows_something_where_there_is_something(tmp_path: Path, black: str) -> None:
    dark = {"beginning": 4, "all": 5, "all but the end": 4.7}[black]
    source = tmp_path / "film.mp4"
    graph = (
        f"color=black:s=64x64:r=10:d={dark}[a];testsrc2=s=64x64:r=10:d={5 - dark}[b];[a][b]concat"
    )
    make(
        [
            "-f",
            "lavfi",
            "-i",
            "color=black:s=64x64:r=10:d=5" if dark == 5 else graph,
            *X264,
            str(source),
        ]
    )
    rgb = poster_of(tmp_path, source)[2]
    assert (sum(rgb) / len(rgb) > 40) is (black != "all")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_brought_into_the_range_of_usual_screens(tmp_path: Path, transfer: str) -> None:
    source = tmp_path / "film.mkv"
    # Diffuse white, 203 cd/m2, in each of the transfer functions: 58 % of PQ, 75 % of HLG.
    level = {"smpte2084": 0.58, "arib-std-b67": 0.75}[transfer]
    grey = f"color=black:s=128x64:r=10:d=1,format=yuv420p10le,geq=lum=64+876*{level}:cb=512:cr=512"
    codec = ["-c:v", "ffv1", "-color_trc", transfer, "-colorspace", "bt2020nc"]
    make(
        [
            "-f",
            "lavfi",
            "-i",
            grey,
            *codec,
            "-color_primaries",
            "bt2020",
            "-color_range",
            "tv",
            str(source),
        ]
    )
    (colour, *_) = corners(poster_of(tmp_path, source))
    assert min(colour) > 210, colour
    assert max(colour) - min(colour) <= 3, colour


def test_a_thumbnail_is_never_larger_than_its_poster(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    make(["-f", "lavfi", "-i", f"{CORNERS},format=yuv420p", *X264, str(source)])
    workshop = workshop_in(tmp_path / "work")
    poster = make_poster(workshop, film_at(workshop, source), longest=100, max_pixels=1 << 20)
    small = make_thumbnail(workshop, poster, width=32)
    assert (small.width, small.height) == (32, 16)
    assert is_near(corners((32, 16, pixels_of(small.path))), [RED, GREEN, BLUE, WHITE], by=16)
    large = make_thumbnail(workshop, poster, width=4096)
    assert (large.width, large.height) == (100, 50)


@pytest.mark.parametrize("kind", ["landlock", "rlimit"])
def test_every_box_allows_what_a_poster_needs(tmp_path: Path, kind: Kind) -> None:
    source = tmp_path / "film.mp4"
    make(["-f", "lavfi", "-i", f"{CORNERS},format=yuv420p", *X264, str(source)])
    workshop = workshop_in(tmp_path / "work", sandbox=kind)
    assert make_poster(workshop, film_at(workshop, source), longest=100, max_pixels=1 << 20)


def test_nothing_is_made_beyond_the_processor_time(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    make(["-f", "lavfi", "-i", f"{CORNERS},format=yuv420p", *X264, str(source)])
    workshop = workshop_in(tmp_path / "work")
    film = film_at(workshop, source)
    workshop.cpu_left = 0.5
    with pytest.raises(RenditionFailed):
        make_poster(workshop, film, longest=100, max_pixels=1 << 20)
    workshop.cpu_left = 60.0
    with pytest.raises(RenditionFailed):
        make_poster(workshop, film, longest=100, max_pixels=64)


def test_a_decoder_that_hangs_is_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, hanging = tmp_path / "film.mp4", tmp_path / "ffmpeg"
    make(["-f", "lavfi", "-i", f"{CORNERS},format=yuv420p", *X264, str(source)])
    hanging.write_text(f"#!/bin/sh\necho >>{tmp_path}/starts\nexec sleep 1000\n")
    hanging.chmod(0o755)
    workshop = workshop_in(tmp_path / "work", sandbox="off")
    film = film_at(workshop, source)
    workshop.tools = replace(workshop.tools, ffmpeg=str(hanging))
    workshop.cpu_left = 1.0
    monkeypatch.setattr("tusd_py.worker.film_renditions.workshop.WALL_FACTOR", 2.0)
    with pytest.raises(RenditionFailed):
        make_poster(workshop, film, longest=100, max_pixels=1 << 20)
    assert (tmp_path / "starts").read_text() == "\n"


def test_a_film_that_can_not_be_looked_at_has_no_renditions(tmp_path: Path) -> None:
    """A program that is killed during the examination fails the rendition alone."""
    killed = tmp_path / "ffprobe"
    killed.write_text("#!/bin/sh\nkill -9 $$\n")
    killed.chmod(0o755)
    workshop = workshop_in(tmp_path / "work", sandbox="off")
    workshop.tools = replace(workshop.tools, ffprobe=str(killed))
    with pytest.raises(RenditionFailed):
        workshop.look(killed, "mov")
