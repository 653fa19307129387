"""Print lines without terminal escapes, and errors without secrets.

Everything that a command prints passes through this module, because names come from other users and
sentences from servers.
"""

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import typer

from tusd_py.cli.texts import text, translated
from tusd_py.domain.masking import masked
from tusd_py.domain.printable import printable
from tusd_py.domain.sizes import size_text

if TYPE_CHECKING:
    from rich.console import Console

    from tusd_py.client.file_upload import Sleep

COLUMN: Final = 15
"""Where the second word of a line begins."""


def say(line: str, *, error: bool = False) -> None:
    """Print one line, to standard error with ``error``."""
    typer.echo(printable(line), err=error)


def say_fields(fields: Iterable[str]) -> None:
    """Print a line of fields for programs, separated by tabs; a tab in a field is escaped."""
    typer.echo("\t".join(printable(field) for field in fields))


def say_masked(line: str, *, error: bool = False) -> None:
    """Print one line of the deployment, which may contain URLs with credentials."""
    say(masked(line), error=error)


def say_json(members: Mapping[str, Any]) -> None:
    """Print one JSON object as one line."""
    say(json.dumps(members, ensure_ascii=False))


def say_pause(pause: "Sleep") -> None:
    """Print to standard error that a client waits, and the reason."""
    waits = text(
        "{reason}; trying again in {seconds} s",
        reason=translated(pause.reason),
        seconds=f"{pause.seconds:g}",
    )
    say_masked(f"tusd-py: {waits}", error=True)


def padded(word: str) -> str:
    """Return a word with spaces behind it, so that what follows begins in one column."""
    from rich.cells import cell_len

    return word + " " * max(1, COLUMN - cell_len(word))


def console() -> "Console":
    """Return standard output as a terminal that wraps its own lines."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


@contextmanager
def progress_line() -> Iterator[Callable[[int], None]]:
    """Yield a function that shows a number of bytes in one line on standard error.

    Nothing is shown where that is no terminal; the line ends with the block.
    """
    shown = ""

    def show(offset: int) -> None:
        nonlocal shown
        size = size_text(offset)
        if size != shown and sys.stderr.isatty():
            # The rest of a longer line before it is cleared.
            typer.echo(f"\r{size}\x1b[K", nl=False, err=True)
            shown = size

    try:
        yield show
    finally:
        if shown:
            typer.echo(err=True)


def say_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an unexpected error, as Python does, with secrets masked (``sys.excepthook``)."""
    for block in traceback.format_exception(kind, error, trace):
        for line in block.splitlines():
            say_masked(line, error=True)


def say_thread_traceback(thrown: threading.ExceptHookArgs) -> None:
    """Print the error that ended a thread (``threading.excepthook``)."""
    if thrown.exc_value is not None and thrown.exc_type is not SystemExit:
        say_traceback(thrown.exc_type, thrown.exc_value, thrown.exc_traceback)


def discard_output() -> None:
    """Discard what is still to be written to standard output, which could not be written."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def print_any_text() -> None:
    """Let standard output and error print what their encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
