"""Run ``tusd-py``: define the commands and what all of them share.

Exit codes: 0 done; 1 something failed; 2 wrong usage or settings; 3 the server can't be reached;
130 interrupted.
"""

import logging
import sys
import threading
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer

from tusd_py.cli import (
    admin_link,
    config,
    dead_letters,
    doctor,
    file_list,
    files,
    gc,
    login,
    prioritize,
    removal,
    reprocess,
    serve,
    share,
    token,
    upload,
    user,
    watch,
    worker,
)
from tusd_py.cli.output import (
    discard_output,
    print_any_text,
    say_masked,
    say_thread_traceback,
    say_traceback,
)
from tusd_py.cli.texts import text, translated

app = typer.Typer(
    name="tusd-py",
    help="Resumable uploads: tus 1.0, hashed, compressed, stored.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("login")(login.login)
app.command("logout")(login.logout)
app.command("upload")(upload.upload)
app.command("ls")(file_list.ls)
# Scripts know the command by this name.
app.command("tasks", help="The same as ls.")(file_list.ls)
app.command("watch")(watch.watch)
app.command("download")(files.download)
app.command("renditions")(files.renditions)
app.command("rm")(removal.rm)
app.command("share")(share.share)
app.command("token")(token.token)
app.command("admin-link")(admin_link.admin_link)
app.command("gc")(gc.gc)
app.command("reprocess")(reprocess.reprocess)
app.command("prioritize")(prioritize.prioritize)
app.command("doctor")(doctor.doctor)
app.add_typer(user.app, name="user")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(config.app, name="config")

OPERATOR_COMMANDS: Final = frozenset({
    "serve", "worker", "token", "admin-link", "gc", "reprocess", "prioritize", "doctor", "user",
    "dead-letters", "config",
})  # fmt: skip
"""Their texts are English."""
WRONG_USAGE: Final[Any] = typer.BadParameter.__mro__[1]
"""The error of every wrong option or argument, which Typer does not export."""


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"tusd-py {version('tusd-py')}")
        raise typer.Exit


@app.callback()
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


def main() -> None:
    """Run the command that the arguments name, and exit."""
    print_any_text()
    # Records are shown with their facts, by start_logging, or not at all.
    logging.lastResort = logging.NullHandler()
    sys.excepthook = say_traceback
    threading.excepthook = say_thread_traceback
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
