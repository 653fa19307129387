"""Pictures through a real server: what is made of them, what is stored, what the user gets."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from support.media import make
from support.pictures import CORNERS, TURNED, alike, corners, exif, frames, huge_png, profile
from support.server import Server, running_server
from support.tus import upload

PROFILES = {
    "private": {"image": {"metadata": "strip_location", "preview_size": 0, "thumbnail_size": 0}},
    "small": {"image": {"compress": True}},
    "both": {"image": {"compress": True, "metadata": "strip_location"}},
    "sizes": {"image": {"sizes": [32, 16], "formats": ["jpeg", "webp"], "preview_size": 0}},
    "marked": {
        "image": {"watermark": {"text": "(c)", "opacity": 1, "size": 0.5, "place": "center"}}
    },
    "off": {"image": {"enabled": False}},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {
        "TUSD_MEDIA__PROFILES": json.dumps(PROFILES),
        "TUSD_MEDIA__PROFILE_CHOICE": ",".join(PROFILES),
        "TUSD_INSTANT__SCOPE": "off",
    }
    with running_server(tmp_path_factory.mktemp("pictures") / "data", env=env) as server:
        yield server


def bytes_of(picture: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=form, **options)
    return file.getvalue()


def done(server: Server, content: bytes, name: str, chosen: str = "") -> dict[str, Any]:
    """Send a picture; return its renditions, with the task's notes and the files' bytes."""
    task = upload(server, content, name, **({"profile": chosen} if chosen else {}))
    state = server.wait_for_status(task, "completed", "failed")
    assert state["status"] == "completed", state
    listed: dict[str, Any] = httpx.get(f"{server.url}/api/file/upload/renditions/{task}").json()
    listed["state"] = state
    listed["main_bytes"] = httpx.get(f"{server.files}{task}").content
    listed["bytes"] = {
        one["name"]: httpx.get(f"{server.url}{one['url']}").content for one in listed["renditions"]
    }
    listed["all"] = {one["name"]: one for one in listed["renditions"]}
    return listed


def quarters(content: bytes) -> tuple[Any, ...]:
    with Image.open(io.BytesIO(content)) as opened:
        picture = opened.convert("RGB")
    width, height = picture.size
    middles = ((x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4))
    return tuple(picture.getpixel(middle) for middle in middles)


def test_a_photograph_stays_as_it_was_sent_and_has_a_thumbnail(pictures: Server) -> None:
    sent = bytes_of(TURNED[6](corners()), "JPEG", exif=exif(6, located=True), quality=95)
    found = done(pictures, sent, "photo.jpg")
    assert (found["main"], found["main_bytes"]) == ("original", sent)
    assert list(found["all"]) == ["original", "thumbnail"]
    assert found["all"]["thumbnail"]["content_type"] == "image/webp"
    thumbnail = found["bytes"]["thumbnail"]
    assert alike(quarters(thumbnail), CORNERS)
    assert b"EXIF" not in thumbnail
    facts = found["all"]["original"]["facts"]
    assert {"width": 64, "height": 48, "taken": "2024-05-06T07:08:09"}.items() <= facts.items()


def test_what_browsers_do_not_show_has_a_preview(pictures: Server) -> None:
    sent = bytes_of(TURNED[3](corners()), "HEIF", exif=exif(3), icc_profile=profile("p3"))
    found = done(pictures, sent, "photo.heic")
    assert (found["main"], found["main_bytes"]) == ("original", sent)
    assert list(found["all"]) == ["original", "thumbnail", "preview"]
    with Image.open(io.BytesIO(found["bytes"]["preview"])) as opened:
        assert (opened.format, opened.size, opened.info.get("icc_profile")) == (
            "WEBP",
            (64, 48),
            None,
        )


@pytest.mark.parametrize("name", ["photo.jxl", "photo.jp2", "print.jpg"])
def test_other_kinds_that_browsers_do_not_show_have_a_preview_too(
    name: str, pictures: Server, tmp_path: Path
) -> None:
    sent = bytes_of(corners(), "JPEG2000") if name == "photo.jp2" else b""
    if name == "print.jpg":
        sent = bytes_of(corners().convert("CMYK"), "JPEG", quality=95)
    if name == "photo.jxl":
        corners().save(tmp_path / "source.bmp")
        make(["-i", str(tmp_path / "source.bmp"), "-c:v", "libjxl", str(tmp_path / name)])
        sent = (tmp_path / name).read_bytes()
    found = done(pictures, sent, name)
    assert found["main_bytes"] == sent
    assert list(found["all"]) == ["original", "thumbnail", "preview"]
    assert alike(quarters(found["bytes"]["preview"]), CORNERS, within=85)


def test_sizes_and_formats_are_made_as_set_and_an_animation_moves(pictures: Server) -> None:
    first, *rest = frames(4)
    sent = bytes_of(first, "GIF", save_all=True, append_images=rest, duration=80, loop=0)
    found = done(pictures, sent, "moving.gif", "sizes")
    assert list(found["all"]) == [
        "original",
        "thumbnail",
        "jpeg-16",
        "webp-16",
        "jpeg-32",
        "webp-32",
    ]
    assert found["main_bytes"] == sent
    for name, count in (("webp-32", 4), ("thumbnail", 1), ("jpeg-32", 1)):
        with Image.open(io.BytesIO(found["bytes"][name])) as opened:
            assert getattr(opened, "n_frames", 1) == count
        assert found["all"][name]["facts"]["frames"] == count
    assert found["all"]["jpeg-32"]["facts"]["width"] == 32


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_the_place_is_taken_out_and_nothing_else(form: str, pictures: Server) -> None:
    sent = bytes_of(corners(), form, exif=exif(located=True))
    found = done(pictures, sent, f"photo.{form.lower()}", "private")
    assert (found["main"], list(found["all"])) == ("web", ["web"])
    made = found["main_bytes"]
    with Image.open(io.BytesIO(made)) as opened:
        tags = opened.getexif()
        assert opened.format == form
    assert not tags.get_ifd(0x8825)
    assert tags[0x010F] == "Camera"
    assert quarters(made) == quarters(sent)
    assert found["all"]["web"]["content_type"] == f"image/{form.lower()}"


def test_a_smaller_main_copy_keeps_tags_and_the_original_stays(pictures: Server) -> None:
    noise = Image.effect_noise((640, 480), 60).convert("RGB")
    sent = bytes_of(TURNED[6](noise), "JPEG", exif=exif(6, located=True), quality=100)
    found = done(pictures, sent, "large.jpg", "small")
    assert found["main"] == "web"
    assert found["bytes"]["original"] == sent
    assert len(found["main_bytes"]) < 0.95 * len(sent)
    with Image.open(io.BytesIO(found["main_bytes"])) as opened:
        assert (opened.format, opened.size) == ("JPEG", (640, 480))
        tags = opened.getexif()
        assert (tags.get(0x0112, 1), tags.get_ifd(0x8825)[1].strip("\0 ")) == (1, "N")
    tiny = done(pictures, bytes_of(noise, "JPEG", quality=20), "tiny.jpg", "small")
    assert (tiny["main"], tiny["state"]["note_codes"]) == ("original", ["no_gain"])


def test_a_smaller_main_copy_without_the_place(pictures: Server) -> None:
    noise = Image.effect_noise((320, 240), 60).convert("RGB")
    sent = bytes_of(noise, "JPEG", exif=exif(located=True), quality=100)
    found = done(pictures, sent, "large.jpg", "both")
    with Image.open(io.BytesIO(found["main_bytes"])) as opened:
        tags = opened.getexif()
        assert not tags.get_ifd(0x8825)
        assert tags[0x010F].strip("\0 ") == "Camera"


def test_a_watermark_is_on_the_main_copy_and_not_on_the_original(pictures: Server) -> None:
    sent = bytes_of(Image.new("RGB", (400, 300), (90, 90, 90)), "PNG")
    found = done(pictures, sent, "plain.png", "marked")
    assert found["bytes"]["original"] == sent
    with Image.open(io.BytesIO(found["main_bytes"])) as opened:
        middle = opened.convert("L").crop((100, 75, 300, 225))
        assert middle.getextrema()[1] > 240
        assert opened.convert("L").crop((0, 0, 90, 300)).getextrema() == (90, 90)
    with Image.open(io.BytesIO(found["bytes"]["thumbnail"])) as opened:
        assert max(opened.convert("L").getextrema()) < 100


SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48">'
    b'<rect width="9" height="9"/></svg>'
)


@pytest.mark.parametrize(
    ("name", "content", "notes"),
    [
        ("bomb.png", None, ["picture_too_large"]),
        ("cut.jpg", bytes_of(Image.effect_noise((300, 300), 50), "JPEG")[:9000], ["damaged"]),
        ("drawing.svg", SVG, None),
        ("drawing.png", SVG, None),
    ],
)
def test_what_is_not_decoded_is_kept_as_it_was_sent(
    name: str, content: bytes | None, notes: list[str] | None, pictures: Server, tmp_path: Path
) -> None:
    sent = content or huge_png(tmp_path / name, 50_000, 50_000).read_bytes()
    found = done(pictures, sent, name)
    assert (found["main_bytes"], list(found["all"])) == (sent, ["original"])
    if notes is not None:
        assert found["state"]["note_codes"] == notes


def test_pictures_can_be_left_alone(pictures: Server) -> None:
    sent = bytes_of(corners(), "PNG")
    found = done(pictures, sent, "asis.png", "off")
    assert (found["main_bytes"], list(found["all"])) == (sent, ["original"])
