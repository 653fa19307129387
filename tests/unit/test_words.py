"""Refused words: docs/glossary.md has the field's word for each thing."""

import io
import re
import tokenize
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
REFUSED: Final = {
    "told": "published, sent, reported",
    "asked": "requested, called, queried",
    "nobody": "name the subject",
    "somebody": "name the subject",
    "whoever": "name the subject",
    "anew": "again",
    "so many": "a number of, n",
    "so long": "a time of",
    "so often": "an interval of",
    "nought": "zero",
    "put aside": "dead-lettered",
}
"""A word that is refused, and what to write."""
_PATTERN: Final = re.compile(rf"\b({'|'.join(map(re.escape, REFUSED))})\b", re.IGNORECASE)
_NAMES: Final = frozenset({"told", "asked", "nobody", "somebody", "whoever", "anew"})
EXEMPT: Final = frozenset({"tusd_py/hooks/__init__.py", "tests/unit/test_words.py"})
"""``Told`` is the earlier name of a public class; the other one holds the list."""


def python_texts(source: str) -> list[tuple[int, str]]:
    """Return comments, strings and the words of names, each with its line."""
    found: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            found.append((token.start[0], token.string))
        elif token.type == tokenize.NAME:
            words = set(token.string.strip("_").lower().split("_"))
            found += [(token.start[0], word) for word in words & _NAMES]
    return found


def refused(path: Path, source: str) -> list[str]:
    """Return the refused words of a file as ``path:line: word -> what to write``."""
    texts = (
        python_texts(source)
        if path.suffix == ".py"
        else [(number, line) for number, line in enumerate(source.splitlines(), 1)]
    )
    found = []
    for start, text in texts:
        for match in _PATTERN.finditer(text):
            line = start + text.count("\n", 0, match.start())
            word = match[1].lower()
            found.append(f"{path}:{line}: {word!r} -> {REFUSED[word]}")
    return found


def files() -> list[Path]:
    """Return the files whose words are checked."""
    places = ("tusd_py", "worker", "deploy", "docs", "tests")
    found = [path for place in places for path in (ROOT / place).rglob("*") if path.is_file()]
    found += [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile")]
    return [
        path
        for path in found
        if path.suffix in (".py", ".md", "") and path.name != "CHANGELOG.md"
        if not {"node_modules", ".venv", "built", "bin"} & set(path.parts)
        if path.suffix or path.name == "Makefile"
        if path.relative_to(ROOT).as_posix() not in EXEMPT
    ]


def test_no_file_has_a_refused_word() -> None:
    found = [
        line
        for path in files()
        for line in refused(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    ]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("word", REFUSED)
@pytest.mark.parametrize("form", ["# {}", '"""It is {}."""', "x = '{}'"])
def test_a_planted_word_is_found(word: str, form: str) -> None:
    planted = form.format(f"{word} here" if form.startswith("x") else word)
    assert refused(Path("x.py"), f"a = 1\n{planted}\n") == [f"x.py:2: {word!r} -> {REFUSED[word]}"]


@pytest.mark.parametrize("word", sorted(_NAMES))
def test_a_planted_name_is_found(word: str) -> None:
    assert refused(Path("x.py"), f"def test_{word}_is_here(): ...\n")
    assert refused(Path("x.md"), f"It is {word}.\n")
