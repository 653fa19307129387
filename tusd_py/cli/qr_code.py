"""Draw QR codes on a terminal, for the camera of a phone."""

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import typer

from tusd_py.cli.output import say
from tusd_py.cli.texts import text

QUIET_ZONE: Final = 4
"""Light modules around the code (ISO/IEC 18004)."""
_BLOCKS: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
"""Two modules, one above the other: which of them are dark."""
_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
"""Colours that no theme of a terminal changes, so that dark terminals show dark modules as well."""
_RESET: Final = "\x1b[0m"


def say_qr_code(content: str) -> None:
    """Print the code of a text, or why it can't be shown."""
    import segno

    try:
        code = segno.make(content, error="l", micro=False)
    except segno.DataOverflowError:
        _refuse(text("the link is too long for a QR code"))
        return
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    is_terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns
    if is_terminal and columns < len(rows[0]):
        _refuse(
            text(
                "the QR code needs {needed} columns, and the terminal has {columns}",
                needed=len(rows[0]), columns=columns,
            )
        )  # fmt: skip
    elif not _can_print("".join(_BLOCKS.values())):
        _refuse(text("the encoding of the terminal has no characters for a QR code"))
    else:
        has_colours = is_terminal and not os.environ.get("NO_COLOR")
        for line in _lines(rows):
            typer.echo(f"{_BLACK_ON_WHITE}{line}{_RESET}" if has_colours else line, color=True)


def _lines(rows: Sequence[Sequence[bool]]) -> list[str]:
    """Return lines of blocks, each of which shows two rows of modules."""
    empty = [False] * len(rows[0])
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=empty)
    return ["".join(_BLOCKS[two] for two in zip(*pair, strict=True)) for pair in pairs]


def _can_print(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _refuse(reason: str) -> None:
    say(f"tusd-py: {reason}", error=True)
