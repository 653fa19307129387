"""Makes texts from outside safe for a terminal and for a line of a log: names, for example."""

import re
import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Format characters that words and emoji need, and that do not reorder text."""
_SIGNS: Final = (
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Format characters that are seen: signs in front of numbers (Unicode 16, 23.2)."""
_SHOWN: Final = frozenset(_JOINERS + _SIGNS)
_SUSPECT: Final = re.compile(r"[^ -~]")
_HIDDEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Control (C0, DEL, C1), format (bidirectional marks, tags), lone surrogates, ends of lines."""


def printable(text: str) -> str:
    """Return the text in one line; each control or format character becomes its escape as in JSON.

    JSON keeps its meaning: in valid JSON such characters are only inside of strings.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(_escaped, text)


def is_hidden(character: str) -> bool:
    """Return whether a character can move the cursor, hide or reorder others, or end a line."""
    return unicodedata.category(character) in _HIDDEN and character not in _SHOWN


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if not is_hidden(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
