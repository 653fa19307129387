"""Run ``tusd-py``: define the commands and what all of them share.

Exit codes: 0 done; 1 something failed; 2 wrong usage or settings; 3 the server can't be reached;
130 interrupted.
"""

import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer

from tusd_py.cli.output import (
    discard_output,
    print_any_text,
    say_masked,
    say_thread_traceback,
    say_traceback,
)
from tusd_py.cli.texts import text, translated

COMMANDS: Final[Mapping[str, str]] = {
    "serve": "serve:serve",
    "worker": "worker:worker",
    "login": "login:login",
    "logout": "login:logout",
    "upload": "upload:upload",
    "ls": "file_list:ls",
    # Scripts know the command by this name.
    "tasks": "file_list:ls",
    "watch": "watch:watch",
    "download": "files:download",
    "renditions": "files:renditions",
    "rm": "removal:rm",
    "share": "share:share",
    "token": "token:token",
    "admin-link": "admin_link:admin_link",
    "gc": "gc:gc",
    "reprocess": "reprocess:reprocess",
    "prioritize": "prioritize:prioritize",
    "doctor": "doctor:doctor",
    "user": "user:app",
    "dead-letters": "dead_letters:app",
    "config": "config:app",
}
"""Module and function of each command, or its commands, in the order of the help."""
OPERATOR_COMMANDS: Final = frozenset({
    "serve", "worker", "token", "admin-link", "gc", "reprocess", "prioritize", "doctor", "user",
    "dead-letters", "config",
})  # fmt: skip
"""Their texts are English."""
WRONG_USAGE: Final[Any] = typer.BadParameter.__mro__[1]
"""The error of every wrong option or argument, which Typer does not export."""


def _version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tusd-py {version('tusd-py')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda wanted: _version(wanted=wanted),
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Resumable uploads: tus 1.0, hashed, compressed, stored."""


def application(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with the commands of these names, whose modules are imported."""
    app = typer.Typer(
        name="tusd-py",
        help="Resumable uploads: tus 1.0, hashed, compressed, stored.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name in names:
        module, _, member = COMMANDS[name].partition(":")
        command = getattr(import_module(f"tusd_py.cli.{module}"), member)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, help="The same as ls." if name == "tasks" else None)(command)
    return app


def main() -> None:
    """Run the command that the arguments name, and exit."""
    print_any_text()
    # Records are shown with their facts, by start_logging, or not at all.
    logging.lastResort = logging.NullHandler()
    sys.excepthook = say_traceback
    threading.excepthook = say_thread_traceback
    # The modules of all commands take a quarter of a second; the help needs them.
    app = application([sys.argv[1]] if sys.argv[1:2] and sys.argv[1] in COMMANDS else COMMANDS)
    sys.exit(run(typer.main.get_command(app)))


def run(command: Any) -> int:  # noqa: ANN401
    """Run a command of Typer with the arguments of the process, and return the exit code.

    Wrong usage is reported in one sentence, as every other error is.
    """
    translate_help(command)
    try:
        code = command.main(standalone_mode=False)
    except WRONG_USAGE as error:
        return _report(error)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        # What the commands do not expect: standard output can't be written, on a full disk.
        discard_output()
        place = f": {error.filename}" if error.filename else ""
        say_masked(f"tusd-py: {translated(error.strerror or str(error))}{place}", error=True)
        return 1
    return code if isinstance(code, int) else 0


def translate_help(command: Any) -> None:  # noqa: ANN401
    """Put the help of a command and of all below it into the reader's language, if it is there."""
    if command.help:
        paragraphs = (part.replace("\n", " ") for part in command.help.split("\n\n"))
        command.help = "\n\n".join(translated(part) for part in paragraphs)
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = translated(parameter.help)
    for one in getattr(command, "commands", {}).values():
        translate_help(one)


def _report(error: Any) -> int:  # noqa: ANN401
    """Print what is wrong with the arguments, and return the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        path = "tusd-py" if error.ctx is None else error.ctx.command_path
        hint = text("see {command} --help", command=path)
        say_masked(f"{path}: {translated(error.format_message()).rstrip('.')}; {hint}", error=True)
    return int(error.exit_code)
