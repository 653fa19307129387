import re
from html import unescape
from pathlib import Path

import pytest
from pydantic import ValidationError

from tusd_py.http.look import MOST_BYTES, Look, read_logo
from tusd_py.settings.page import PageSettings, PageTexts
from tusd_py.settings.sources import SettingsError

PAGE = (
    '<!doctype html><html lang="en"><base href="/"><title>tusd-py</title><!-- look -->'
    "<header><!-- logo --><h1></h1></header><footer><!-- links --></footer></html>"
)
HOSTILE = '"\'><script>alert(1)</script><!-- logo --><base href="/">'


def written(**settings: object) -> str:
    return Look.of(PageSettings.model_validate(settings)).write_into(PAGE)


def test_without_settings_nothing_is_written() -> None:
    assert written() == re.sub("<!-- .*? -->", "", PAGE)


def test_what_is_set_is_text_whatever_it_is(tmp_path: Path) -> None:
    (logo := tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    page = written(
        title=HOSTILE[:80], text=HOSTILE, languages={"zh": {"title": HOSTILE[:80]}}, logo=logo,
        links={HOSTILE[:60]: 'https://example.org/"><script>'}, colour="#000000",
    )  # fmt: skip
    assert "<script" not in page
    assert page.count("<base") == page.count("<img") == page.count("<a ") == 1
    assert '<link rel="stylesheet" href="page/look.css">' in page
    assert HOSTILE[:80] in unescape(re.findall("<title>(.*)</title>", page)[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"colour": "red"},
        {"colour": "#12345"},
        {"colour": "#000000;}"},
        {"title": "a\nb\x00"},
        {"title": "a" * 81},
        {"links": {"Imprint": "javascript:alert(1)"}},
        {"links": {"Imprint": "//example.org/"}},
        {"links": {"Imprint": "data:text/html,x"}},
        {"links": {"": "https://example.org"}},
        {"languages": {"../zh": {"title": "x"}}},
        {"languages": {"zh": {"titel": "x"}}},
    ],
)
def test_what_can_not_be_meant_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PageSettings.model_validate(settings)


def test_links_may_lead_to_pages_and_addresses() -> None:
    links = {
        "Imprint": "https://example.org/a?b=c",
        "Privacy": "/privacy",
        "Mail": "mailto:a@b.c",
        "Home": "/",
    }
    assert PageSettings(links=links).links == links
    assert PageSettings(languages={"zh": PageTexts(title="x")}).languages["zh"].title == "x"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (
            b'\xef\xbb\xbf<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
            "image/svg+xml",
        ),
    ],
)
def test_a_logo_has_the_type_of_its_content(tmp_path: Path, content: bytes, kind: str) -> None:
    (file := tmp_path / "logo.txt").write_bytes(content)
    assert read_logo(file).content_type == kind


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><script>", "is no PNG, JPEG, WebP, GIF or SVG file"),
        (b"", "is no PNG, JPEG, WebP, GIF or SVG file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(MOST_BYTES), "is larger than 512 KiB"),
        (None, "can't be read (No such file or directory)"),
    ],
)
def test_a_logo_that_can_not_be_shown_is_said(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "logo.png"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        Look.of(PageSettings(logo=file))
    assert str(caught.value) == f"page.logo: {file} {said}"
