"""Tests the program in the sandbox: its renditions of pictures, and what it refuses."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.pictures import (
    BLUE,
    CORNERS,
    GREEN,
    RED,
    SIZE,
    TURNED,
    WHITE,
    alike,
    corners,
    exif,
    frames,
    huge_png,
    in_srgb,
    profile,
    seen,
)  # fmt: skip

from tusd_py.worker.images.boxed.commands import answer

pytestmark = pytest.mark.slow

MANY = 1 << 28


def look(path: Path, kind: str, limit: int = MANY) -> dict[str, Any]:
    return answer({"command": "look", "source": str(path), "kind": kind, "max_pixels": limit})


def made(
    path: Path,
    kind: str,
    form: str = "webp",
    side: int = 64,
    *,
    mark: dict[str, Any] | None = None,
    limit: int = MANY,
    **more: Any,
) -> Path:
    output = path.with_name(f"made-{path.name}.{form}")
    wanted = {
        "name": "one", "path": str(output), "format": form, "side": side, "quality": 95,
        "lossless": False, "animated": True, "marked": True, "keep": 0, **more,
    }  # fmt: skip
    found = answer(
        {
            "command": "make", "source": str(path), "kind": kind, "max_pixels": limit,
            "outputs": [wanted], "mark": mark,
        }
    )  # fmt: skip
    assert "error" not in found, found
    with Image.open(output) as opened:
        size = opened.size
    assert size == (found["made"]["one"]["width"], found["made"]["one"]["height"])
    return output


KINDS = {
    "jpeg": "jpg",
    "png": "png",
    "webp": "webp",
    "tiff": "tiff",
    "heic": "heic",
    "avif": "avif",
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", KINDS)
def test_a_turned_picture_is_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    source = tmp_path / f"source.{KINDS[kind]}"
    stored = TURNED[orientation](corners())
    stored.save(source, exif=exif(orientation), quality=95)
    found = look(source, kind)
    assert (found["width"], found["height"]) == SIZE
    assert alike(seen(made(source, kind)), CORNERS)
    assert alike(seen(made(source, kind, "jpeg", side=0)), CORNERS)


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_cmyk_becomes_srgb(kind: str, tmp_path: Path) -> None:
    source = tmp_path / f"cmyk.{KINDS[kind]}"
    corners().convert("CMYK").save(source, quality=95)
    assert look(source, kind)["space"] == "cmyk"
    assert alike(seen(made(source, kind)), CORNERS, within=85)


def by_ffmpeg(source: Path, target: Path, *options: str) -> Path:
    corners().save(source)
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, *options, target]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


@pytest.mark.parametrize(
    ("kind", "depth"),
    [("png", "rgb48be"), ("tiff", "rgb48le"), ("png", "rgba64be"), ("png", "gray16be")],
)
def test_sixteen_bits_become_eight(kind: str, depth: str, tmp_path: Path) -> None:
    source = by_ffmpeg(tmp_path / "8.bmp", tmp_path / f"16.{kind}", "-pix_fmt", depth)
    assert look(source, kind)["bits"] == 16
    expected = seen(tmp_path / "8.bmp")
    if depth.startswith("gray"):
        expected = tuple((y, y, y) for y in (83, 107, 53, 240))
    assert alike(seen(made(source, kind)), expected)
    assert alike(seen(made(source, kind, "jpeg", side=32)), expected)


@pytest.mark.parametrize("space", ["p3", "adobe"])
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff", "heic", "avif"])
def test_wide_gamut_becomes_srgb(kind: str, space: str, tmp_path: Path) -> None:
    source, icc = tmp_path / f"wide.{KINDS[kind]}", profile(space)
    corners().save(source, icc_profile=icc, quality=98)
    expected = in_srgb(corners(), icc)
    assert not alike(expected, CORNERS)
    assert look(source, kind)["has_profile"]
    small = made(source, kind, side=48)
    assert alike(seen(small), expected)
    assert b"ICCP" not in small.read_bytes()


def animated(path: Path, count: int = 5) -> Path:
    first, *rest = frames(count)
    first.save(
        path, save_all=True, append_images=rest, duration=[80, 120] + [80] * (count - 2), loop=0
    )
    return path


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "avif"])
def test_an_animation_keeps_its_frames(kind: str, tmp_path: Path) -> None:
    source = animated(tmp_path / f"moving.{kind}")
    assert look(source, kind)["frames"] == 5
    moving = made(source, kind, side=32)
    with Image.open(moving) as opened:
        durations = []
        for number in range(opened.n_frames):
            opened.seek(number)
            opened.load()
            durations.append(opened.info["duration"])
        assert (opened.size, opened.info["loop"]) == ((32, 24), 0)
    assert durations == [80, 120, 80, 80, 80]
    for number, frame in enumerate(frames(5)):
        frame.save(tmp_path / "frame.png")
        assert alike(seen(moving, number), seen(tmp_path / "frame.png"), within=25)


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "avif"])
@pytest.mark.parametrize("form", ["webp", "jpeg", "avif"])
def test_an_animations_still_is_its_first_frame(kind: str, form: str, tmp_path: Path) -> None:
    still = made(animated(tmp_path / f"moving.{kind}"), kind, form, animated=False)
    with Image.open(still) as opened:
        assert getattr(opened, "n_frames", 1) == 1
    assert alike(seen(still), CORNERS, within=25)


def test_a_png_for_programs_without_animations_is_no_frame(tmp_path: Path) -> None:
    source = tmp_path / "moving.png"
    first, *rest = frames(4)
    first.save(source, save_all=True, append_images=rest, default_image=True, duration=50)
    assert look(source, "png")["frames"] == 3
    assert alike(seen(made(source, "png")), (GREEN, BLUE, WHITE, RED))


@pytest.mark.parametrize(("kind", "ext"), [("jp2", "jp2"), ("bmp", "bmp"), ("gif", "gif")])
def test_other_kinds_are_read(kind: str, ext: str, tmp_path: Path) -> None:
    source = tmp_path / f"source.{ext}"
    corners().save(source)
    assert alike(seen(made(source, kind, "jpeg")), CORNERS, within=20)


def test_transparency_is_kept_where_there_can_be_any(tmp_path: Path) -> None:
    source = tmp_path / "glass.png"
    glass = corners().convert("RGBA")
    glass.paste((0, 0, 0, 0), (0, 0, 32, 24))
    glass.save(source)
    with Image.open(made(source, "png")) as opened:
        assert opened.convert("RGBA").getpixel((16, 12))[3] == 0
    assert alike(seen(made(source, "png", "jpeg")), ((255, 255, 255), GREEN, BLUE, WHITE))


def test_nothing_is_enlarged(tmp_path: Path) -> None:
    source = tmp_path / "small.png"
    corners((20, 10)).save(source)
    with Image.open(made(source, "png", side=2048)) as opened:
        assert opened.size == (20, 10)


def test_renditions_carry_no_tags_and_the_main_copy_does(tmp_path: Path) -> None:
    source = tmp_path / "camera.jpg"
    TURNED[6](corners()).save(source, exif=exif(6, located=True), quality=95)
    assert look(source, "jpeg")["has_location"]
    with Image.open(made(source, "jpeg", "webp")) as opened:
        assert not opened.getexif()
    with Image.open(made(source, "jpeg", "jpeg", side=0, keep=7)) as opened:
        tags = opened.getexif()
        assert (tags[0x010F].strip(), tags.get(0x0112, 1)) == ("Camera", 1)
        assert tags.get_ifd(0x8825)[1].strip() == "N"
    assert alike(seen(made(source, "jpeg", "jpeg", side=0, keep=7)), CORNERS)


@pytest.mark.parametrize(
    ("kind", "width", "height"), [("png", 50_000, 50_000), ("png", 16_385, 16_385)]
)
def test_a_bomb_is_refused_by_its_header(
    kind: str, width: int, height: int, tmp_path: Path
) -> None:
    source = huge_png(tmp_path / "bomb.png", width, height)
    assert source.stat().st_size < 100_000
    assert look(source, kind) == {"error": "too_large"}


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "avif"])
def test_all_frames_count_together(kind: str, tmp_path: Path) -> None:
    source = animated(tmp_path / f"moving.{kind}")
    pixels = SIZE[0] * SIZE[1]
    assert "error" not in look(source, kind, limit=5 * pixels)
    assert look(source, kind, limit=5 * pixels - 1) == {"error": "too_large"}


@pytest.mark.parametrize("kind", ["jpeg", "heic", "tiff", "avif", "webp", "bmp", "jp2"])
def test_pixels_count_in_every_kind(kind: str, tmp_path: Path) -> None:
    source = tmp_path / f"source.{kind}"
    corners().save(source)
    assert look(source, kind, limit=SIZE[0] * SIZE[1] - 1) == {"error": "too_large"}


OTHERS = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48">'
    b'<image href="/etc/passwd"/></svg>',
    "svg with a declaration": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>',
    "mvg": b"push graphic-context\nviewbox 0 0 64 48\n"
    b"image over 0,0 0,0 '/etc/passwd'\npop graphic-context\n",
    "msl": b'<?xml version="1.0"?><image><read filename="/etc/passwd"/>'
    b'<write filename="/tmp/x.png"/></image>',
    "pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n(/etc/passwd) (r) file\n",
    "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "ppm": b"P6 2 2 255\n" + bytes(12),
    "vips": b"\xb6\xa6\xf2\x08" + bytes(200),
    "csv": b"1,2,3\n4,5,6\n",
    "nothing": b"",
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize(
    "kind", ["jpeg", "png", "gif", "webp", "tiff", "avif", "heic", "jp2", "bmp", "svg"]
)
def test_a_named_kind_is_read_as_no_other(kind: str, content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "picture"
    source.write_bytes(content)
    assert look(source, kind)["error"] in ("damaged", "unknown")


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "tiff", "bmp"])
@pytest.mark.parametrize("other", ["jpeg", "png", "webp", "gif", "tiff", "bmp"])
def test_one_kind_of_picture_is_not_read_as_another(kind: str, other: str, tmp_path: Path) -> None:
    source = tmp_path / f"source.{other}"
    corners().save(source)
    assert ("error" in look(source, kind)) == (kind != other)


def test_a_cut_off_picture_is_damaged(tmp_path: Path) -> None:
    source = tmp_path / "cut.jpg"
    corners((640, 480)).save(source, quality=95)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    output = {
        "name": "one", "path": str(tmp_path / "x"), "format": "webp", "side": 64, "quality": 80,
        "lossless": False, "animated": True, "marked": True, "keep": 0,
    }  # fmt: skip
    given = {"source": str(source), "kind": "jpeg", "max_pixels": MANY, "outputs": [output]}
    assert answer({"command": "make", **given, "mark": None}) == {"error": "damaged"}


@pytest.mark.parametrize(
    "tags", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"]
)
def test_hostile_tags_do_not_hide_the_picture(tags: bytes, tmp_path: Path) -> None:
    source = tmp_path / "tags.webp"
    corners().save(source, exif=tags, lossless=True)
    found = look(source, "webp")
    assert (found["orientation"], found["taken"]) == (1, None)
    assert alike(seen(made(source, "webp")), CORNERS)


def test_the_date_of_a_picture_is_read(tmp_path: Path) -> None:
    source = tmp_path / "camera.jpg"
    corners().save(source, exif=exif(taken="2024:05:06 07:08:09"))
    assert look(source, "jpeg")["taken"] == "2024-05-06T07:08:09"
    corners().save(source, exif=exif(taken="0000:00:00 00:00:00"))
    assert look(source, "jpeg")["taken"] is None


MARK = {
    "text": "", "picture": None, "font": None, "place": "top-left", "opacity": 1.0, "size": 0.25,
    "margin": 0.0,
}  # fmt: skip


@pytest.fixture
def stamp(tmp_path: Path) -> str:
    path = tmp_path / "stamp.png"
    Image.new("RGB", (10, 10), (255, 0, 255)).save(path)
    return str(path)


@pytest.mark.parametrize(("opacity", "share"), [(1.0, 1.0), (0.5, 0.5), (0.25, 0.25)])
def test_a_watermark_covers_by_its_opacity(
    opacity: float, share: float, stamp: str, tmp_path: Path
) -> None:
    source = tmp_path / "plain.png"
    Image.new("RGB", (400, 200), (100, 100, 100)).save(source)
    mark = {**MARK, "picture": stamp, "opacity": opacity}
    with Image.open(made(source, "png", side=0, mark=mark, lossless=True)) as opened:
        picture = opened.convert("RGB")
    inside = tuple(round(100 + (value - 100) * share) for value in (255, 0, 255))
    # A quarter of the height is the limit: 50 x 50 pixels.
    assert alike((picture.getpixel((25, 25)),), (inside,), within=3)
    assert picture.getpixel((60, 25)) == picture.getpixel((25, 60)) == (100, 100, 100)


@pytest.mark.parametrize(
    ("place", "middle"),
    [
        ("top-left", (35, 35)), ("top", (200, 35)), ("top-right", (365, 35)), ("left", (35, 100)),
        ("center", (200, 100)), ("right", (365, 100)), ("bottom-left", (35, 165)),
        ("bottom", (200, 165)), ("bottom-right", (365, 165)),
    ],
)  # fmt: skip
def test_a_watermark_is_at_its_place(
    place: str, middle: tuple[int, int], stamp: str, tmp_path: Path
) -> None:
    source = tmp_path / "plain.png"
    Image.new("RGB", (400, 200), (100, 100, 100)).save(source)
    mark = {**MARK, "picture": stamp, "place": place, "margin": 0.05}
    with Image.open(made(source, "png", side=0, mark=mark, lossless=True)) as opened:
        picture = opened.convert("RGB")
    changed = [
        (x, y)
        for x in range(400)
        for y in range(200)
        if picture.getpixel((x, y)) != (100, 100, 100)
    ]
    assert len(changed) == 50 * 50
    found = tuple(sum(numbers) / len(changed) for numbers in zip(*changed, strict=True))
    assert alike((found,), (middle,), within=1)


def test_a_text_is_drawn_light_with_a_dark_edge_and_within_its_share(tmp_path: Path) -> None:
    source = tmp_path / "plain.png"
    Image.new("RGB", (400, 200), (100, 100, 100)).save(source)
    mark = {**MARK, "text": "tusd-py", "size": 0.5}
    with Image.open(made(source, "png", side=0, mark=mark, lossless=True)) as opened:
        picture = opened.convert("L")
    changed = picture.point(lambda value: 255 if value != 100 else 0).getbbox()
    assert changed is not None
    left, top, right, bottom = changed
    assert (left, top) == (0, 0)
    assert 150 < right <= 200
    assert 20 < bottom <= 100
    assert picture.getextrema() == (0, 255)


def test_every_frame_has_the_watermark(stamp: str, tmp_path: Path) -> None:
    source = animated(tmp_path / "moving.gif")
    moving = made(source, "gif", mark={**MARK, "picture": stamp}, lossless=True)
    with Image.open(moving) as opened:
        for number in range(opened.n_frames):
            opened.seek(number)
            assert alike((opened.convert("RGB").getpixel((5, 5)),), ((255, 0, 255),), 3)
        assert opened.n_frames == 5
