"""Defines how the pages of the server look: a name, a logo, a colour, a sentence, links."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tusd_py.settings.section import Section

_PLAIN = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
LinkName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
LinkAddress = Annotated[
    str, Field(max_length=2000, pattern=r"^((https?://[^/\s]|/[^/\s]|mailto:[^\s])\S*|/)$")
]


class PageTexts(Section):
    """Sets the texts of the pages in one language."""

    title: str = Field(
        "", max_length=80, pattern=_PLAIN, description="Name of the pages in this language"
    )
    text: str = Field(
        "", max_length=1000, pattern=_PLAIN, description="Text above the field for files"
    )


class PageSettings(Section):
    """Sets the look of the pages."""

    title: str = Field(
        "",
        max_length=80,
        pattern=_PLAIN,
        description="Name that the pages have in place of their own, in the tab too",
    )
    text: str = Field(
        "",
        max_length=1000,
        pattern=_PLAIN,
        description="Text above the field for files; plain text, with line breaks as they are",
    )
    languages: dict[Language, PageTexts] = Field(
        {},
        description=(
            "title and text in other languages, by the language's code, for example zh; in the "
            'environment as JSON: {"zh": {"title": "..."}}'
        ),
    )
    logo: Path | None = Field(
        None,
        description=(
            "Path of a PNG, JPEG, WebP, GIF or SVG file of at most 512 KiB that is shown beside "
            "the name"
        ),
    )
    colour: str = Field(
        "",
        pattern=r"^(#[0-9A-Fa-f]{6})?$",
        description=(
            "Colour of links and buttons, such as #1269cf. It is made darker or lighter where it "
            "could not be read, separately for the light and the dark theme"
        ),
    )
    links: dict[LinkName, LinkAddress] = Field(
        {},
        description=(
            "Links at the end of each page, by their text, for example to an imprint; in the "
            'environment as JSON: {"Imprint": "https://..."}'
        ),
    )
