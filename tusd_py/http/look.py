"""Writes the look of this deployment (``settings.page``) into every page."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final, Self

from tusd_py.http.colour import readable_pair
from tusd_py.settings.page import PageSettings
from tusd_py.settings.sources import SettingsError

MOST_BYTES: Final = 512 << 10
"""Largest logo: it is loaded with each page."""
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Logo:
    """Holds the picture beside the name."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Look:
    """Holds what pages have of this deployment: a name, texts, a logo, a colour, links.

    A page says where: ``<html``, its title, and the comments ``<!-- look -->`` in its head,
    ``<!-- logo -->`` and ``<!-- links -->``.
    """

    page: PageSettings
    logo: Logo | None
    css: str
    """Style sheet with the colour, empty if it is that of the pages."""

    @classmethod
    def of(cls, page: PageSettings) -> Self:
        """Return the look that the settings describe. Raises: SettingsError: page.logo."""
        css = ""
        if page.colour:
            light, dark = readable_pair(page.colour)
            css = f":root {{ --accent: light-dark({light}, {dark}); }}\n"
        return cls(page, None if page.logo is None else read_logo(page.logo), css)

    def write_into(self, html: str) -> str:
        """Return a page with the look in it."""
        page = self.page
        title = {"": page.title, **{key: each.title for key, each in page.languages.items()}}
        text = {"": page.text, **{key: each.text for key, each in page.languages.items()}}
        if any(title.values()) or any(text.values()):
            texts = json.dumps({"title": title, "text": text}, ensure_ascii=False)
            html = html.replace("<html", f'<html data-look="{escape(texts)}"', 1)
        if page.title:
            html = html.replace("<title>tusd-py<", f"<title>{escape(page.title)}<", 1)
        style = '<link rel="stylesheet" href="page/look.css">' if self.css else ""
        logo = '<img id="logo" src="page/logo" alt="">' if self.logo else ""
        links = " ".join(
            f'<a href="{escape(address)}">{escape(name)}</a>'
            for name, address in page.links.items()
        )
        for mark, written in (("look", style), ("logo", logo), ("links", links)):
            html = html.replace(f"<!-- {mark} -->", written, 1)
        return html


def read_logo(path: Path) -> Logo:
    """Return a logo, whose type is known by its content. Raises: SettingsError."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"page.logo: {path} can't be read ({error.strerror})") from error
    if len(content) > MOST_BYTES:
        raise SettingsError(f"page.logo: {path} is larger than {MOST_BYTES >> 10} KiB")
    kind = _type_of(content)
    if kind is None:
        raise SettingsError(f"page.logo: {path} is no PNG, JPEG, WebP, GIF or SVG file")
    return Logo(content, kind)


def _type_of(content: bytes) -> str | None:
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "image/svg+xml" if head.startswith(b"<") and b"<svg" in head else None
