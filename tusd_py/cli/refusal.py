"""Refuse in one sentence, for all commands."""

from typing import NoReturn

import typer

from tusd_py.cli.output import say_masked


def refuse(sentence: str, code: int = 2) -> NoReturn:
    """Print the reason on stderr, in one sentence, and exit."""
    say_masked(f"tusd-py: {sentence}", error=True)
    raise typer.Exit(code)
