"""Defines how the pages of the server look: a name, a logo, a colour, a sentence, links."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from tusd_py.settings.section import Section

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_COLOUR: Final = re.compile(r"(#[0-9A-Fa-f]{6})?")
_LINK: Final = re.compile(r"(https?://[^/\s]|/[^/\s]|mailto:[^\s])\S*|/")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


def _check_text(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("has a control character")
    return text


def _check_colour(text: str) -> str:
    if not _COLOUR.fullmatch(text):
        raise ValueError(f"{text} is no colour such as #1269cf")
    return text


def _check_link(text: str) -> str:
    """Check that a link leads to a page or a mailbox: a browser would run other kinds."""
    if not _LINK.fullmatch(text):
        raise ValueError(f"{text} is no address such as https://example.org/imprint or /imprint")
    return text


def _check_language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise ValueError(f"{text} is no code of a language such as zh")
    return text


Text = Annotated[str, AfterValidator(_check_text)]
Colour = Annotated[str, AfterValidator(_check_colour)]
Language = Annotated[str, AfterValidator(_check_language)]
LinkName = Annotated[Text, Field(min_length=1, max_length=60)]
LinkAddress = Annotated[str, Field(max_length=2000), AfterValidator(_check_link)]


class PageTexts(Section):
    """Sets the texts of the pages in one language."""

    title: Text = Field("", max_length=80, description="Name of the pages in this language")
    text: Text = Field("", max_length=1000, description="Text above the field for files")


class PageSettings(Section):
    """Sets the look of the pages."""

    title: Text = Field(
        "",
        max_length=80,
        description="Name that the pages have in place of their own, in the tab too",
    )
    text: Text = Field(
        "",
        max_length=1000,
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
    colour: Colour = Field(
        "",
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
