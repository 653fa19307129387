"""Show the texts of the commands of users in the language of the reader.

A text is written in English where it is used; ``chinese.json`` has it in Chinese, by its English.
Its section ``server`` has the sentences of servers that users meet most. Others, and the commands
of operators, stay English.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

Language = Literal["en", "zh"]
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_FIELD: Final = re.compile(r"\\\{\w*\\\}")


def reader_language(environ: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the locale (POSIX, 8.2): Chinese, or else English."""
    chosen = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def text(english: str, **values: object) -> str:
    """Return a text in the reader's language, with the values of its fields."""
    chosen = chinese_texts().get(english, english) if reader_language() == "zh" else english
    return chosen.format(**values) if values else chosen


def translated(sentence: str) -> str:
    """Return a sentence of the client's library or of a server in the reader's language.

    It contains the values of its fields already. An unknown one is returned as it is.
    """
    if reader_language() == "en":
        return sentence
    for pattern, chinese in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            # What an operating system says may be a value, and is a sentence itself.
            return chinese.format(*(translated(value) for value in found.groups()))
    return sentence


@cache
def chinese_texts() -> Mapping[str, str]:
    """Return the Chinese of each text, by its English."""
    sections = json.loads((files("tusd_py.cli") / "chinese.json").read_text("utf-8"))
    return {english: chinese for texts in sections.values() for english, chinese in texts.items()}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return a pattern for each English text, and its Chinese; texts without fields come first."""
    pairs = sorted(chinese_texts().items(), key=lambda pair: ("{" in pair[0], -len(pair[0])))
    return tuple(
        (re.compile(_FIELD.sub("(.*?)", re.escape(english)), re.DOTALL), chinese)
        for english, chinese in pairs
        if "{" not in english or "{}" in english
    )
