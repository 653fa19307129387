"""Refused words: docs/glossary.md has the field's word for each thing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from support.own_files import ROOT, own_files

REFUSED: Final = {
    "told": "published, sent, reported",
    "asked": "requested, called, queried",
    "nobody": "name the subject",
    "somebody": "name the subject",
    "anybody": "name the subject",
    "whoever": "name the subject",
    "anew": "again",
    "so many": "a number of, n",
    "so long": "a time of",
    "so often": "an interval of",
    "nought": "zero",
    "put aside": "dead-lettered",
}
"""A word that is refused, and what to write."""
_BETWEEN: Final = r"\s+(?:(?:#|//|--|\*)\s*)?"
"""Between two words: they may stand on two lines of a comment."""
_PATTERN: Final = re.compile(
    # Letters and not word boundaries at the ends: the parts of a name are words too.
    rf"(?<![^\W_])({'|'.join(word.replace(' ', _BETWEEN) for word in REFUSED)})(?![^\W_])",
    re.IGNORECASE,
)
EXEMPT: Final = {
    "tests/unit/test_words.py": "the list itself",
    "CHANGELOG.md": "it names what was renamed",
}
"""Files that have these words, and why."""


def refused(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the word of each refused word."""
    for match in _PATTERN.finditer(text):
        words = re.sub(r"[^a-z]+", " ", match[1].lower())
        yield text.count("\n", 0, match.start()) + 1, words


def test_no_file_has_a_refused_word() -> None:
    found, read = [], 0
    for path in own_files():
        name = path.relative_to(ROOT).as_posix()
        if name not in EXEMPT:
            read += 1
            for line, word in refused(path.read_text("utf-8")):
                found.append(f"{name}:{line}: {word!r} -> {REFUSED[word]}")
    assert found == [], "\n".join(found)
    assert read > 900


@pytest.mark.parametrize("word", REFUSED)
@pytest.mark.parametrize(
    "form",
    [
        "# {}",
        '"""It is {}."""',
        "x = '{} here'",
        "def test_{}_is_here(): ...",
        "// {}",
        "{}_at = 1",
    ],
)
def test_a_planted_word_is_found(word: str, form: str) -> None:
    planted = form.format(word)
    assert list(refused(f"a = 1\n{planted}\n")) == [(2, word)]


@pytest.mark.parametrize("word", [word for word in REFUSED if " " in word])
@pytest.mark.parametrize("end", ["\n", "\n    # ", "\n// ", "\n   * "])
def test_a_planted_word_on_two_lines_is_found(word: str, end: str) -> None:
    assert list(refused(f"# It is {word.replace(' ', end)} here.\n")) == [(1, word)]


def test_a_word_within_a_word_is_no_word() -> None:
    assert list(refused("unasked, retold, tolder, so longer, Path('basked')")) == []


def test_every_exemption_is_needed() -> None:
    for name in EXEMPT:
        assert list(refused((Path(ROOT) / name).read_text("utf-8"))), name
