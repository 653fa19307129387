"""Tests which renditions are planned for a picture by its kind, size, colours and the settings."""

from dataclasses import replace
from typing import Any

import pytest

from tusd_py.settings.pictures import ImageSettings, WatermarkSettings
from tusd_py.worker.images.facts import PictureFacts
from tusd_py.worker.images.plan import Wanted, plan_renditions

PHOTO = PictureFacts(
    width=1600, height=1200, frames=1, bits=8, space="rgb", has_alpha=False, has_profile=False,
    orientation=1, taken=None, has_tags=True, has_location=False,
)  # fmt: skip
SMALL = 100_000


def planned(
    facts: PictureFacts = PHOTO, kind: str = "jpeg", size: int = SMALL, **settings: Any
) -> dict[str, Wanted]:
    wanted = plan_renditions(facts, kind, size, ImageSettings(**settings))
    return {one.name: one for one in wanted}


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "avif", "bmp"])
def test_a_small_picture_that_browsers_show_has_a_thumbnail_alone(kind: str) -> None:
    assert list(planned(kind=kind)) == ["thumbnail"]


@pytest.mark.parametrize("kind", ["heic", "tiff", "jxl", "jp2", "j2k"])
def test_one_that_browsers_do_not_show_has_a_preview(kind: str) -> None:
    assert list(planned(kind=kind)) == ["thumbnail", "preview"]


@pytest.mark.parametrize("space", ["cmyk", "lab", "other"])
def test_colours_that_browsers_do_not_show_right_have_a_preview(space: str) -> None:
    assert "preview" in planned(replace(PHOTO, space=space))


@pytest.mark.parametrize(
    ("facts", "size", "expected"),
    [
        (PHOTO, 1 << 20, False),
        (PHOTO, (1 << 20) + 1, True),
        (replace(PHOTO, width=2048), SMALL, False),
        (replace(PHOTO, height=2049), SMALL, True),
    ],
)
def test_a_large_picture_has_a_preview(facts: PictureFacts, size: int, *, expected: bool) -> None:
    assert ("preview" in planned(facts, size=size)) is expected


def test_a_thumbnail_is_still_and_without_watermark() -> None:
    thumbnail = planned(watermark=WatermarkSettings(text="x"))["thumbnail"]
    assert (thumbnail.animated, thumbnail.marked, thumbnail.side) == (False, False, 512)


def test_each_size_is_made_in_each_format_once() -> None:
    found = planned(sizes=(640, 320, 640), formats=("webp", "avif", "webp"), thumbnail_size=0)
    assert list(found) == ["webp-320", "avif-320", "webp-640", "avif-640"]
    assert (found["avif-640"].side, found["avif-640"].quality) == (640, 55)


def test_nothing_is_made_where_nothing_is_wanted() -> None:
    assert planned(kind="heic", thumbnail_size=0, preview_size=0) == {}


@pytest.mark.parametrize(
    ("facts", "kind", "form", "lossless"),
    [
        (PHOTO, "jpeg", "jpeg", False),
        (PHOTO, "heic", "jpeg", False),
        (replace(PHOTO, has_alpha=True), "heic", "webp", False),
        (PHOTO, "png", "webp", True),
        (PHOTO, "gif", "webp", True),
        (replace(PHOTO, frames=9), "gif", "webp", False),
        (PHOTO, "webp", "webp", False),
        (replace(PHOTO, width=20_000), "png", "png", False),
        (replace(PHOTO, width=20_000), "jpeg", "jpeg", False),
        (replace(PHOTO, width=66_000), "jpeg", "png", False),
    ],
)
@pytest.mark.parametrize(
    "settings", [{"compress": True}, {"watermark": WatermarkSettings(text="x")}]
)
def test_a_main_copy_is_whole_and_in_a_format_that_can_hold_it(
    facts: PictureFacts, kind: str, form: str, settings: dict[str, Any], *, lossless: bool
) -> None:
    web = planned(facts, kind, **settings)["web"]
    assert (web.format, web.lossless, web.side, web.with_tags) == (form, lossless, 0, True)
