"""Run ``tusd-py``: define the commands and what all of them share.

Exit codes: 0 done; 1 something failed; 2 wrong usage or settings; 3 the server can't be reached;
130 interrupted.
"""

import logging
import sys
import threading
from importlib.metadata import version
from typing import Annotated

import typer

from tusd_py.cli import (
    admin_link,
    config,
    dead_letters,
    doctor,
    files,
    gc,
    prioritize,
    reprocess,
    serve,
    token,
    upload,
    user,
    worker,
)
from tusd_py.cli.output import print_any_text, say_thread_traceback, say_traceback

app = typer.Typer(
    name="tusd-py",
    help="Resumable uploads: tus 1.0, hashed, compressed, stored.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("upload")(upload.upload)
app.command("tasks")(files.tasks)
app.command("watch")(files.watch)
app.command("download")(files.download)
app.command("renditions")(files.renditions)
app.command("token")(token.token)
app.command("admin-link")(admin_link.admin_link)
app.command("gc")(gc.gc)
app.command("reprocess")(reprocess.reprocess)
app.command("prioritize")(prioritize.prioritize)
app.command("doctor")(doctor.doctor)
app.add_typer(user.app, name="user")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(config.app, name="config")


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
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
