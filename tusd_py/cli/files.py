"""Run ``tusd-py tasks``, ``watch``, ``renditions`` and ``download``."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tusd_py.cli.common import refuse
from tusd_py.cli.output import progress_line, say, say_json
from tusd_py.cli.server_options import (
    DEFAULT_URL,
    CaCert,
    Insecure,
    Token,
    Url,
    client_options,
    opened_client,
)
from tusd_py.cli.task_text import reader_language, task_text

STDOUT: Final = Path("-")
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Retries = Annotated[
    int,
    typer.Option(min=0, help="Failures in a row, without progress between them, before giving up."),
]
Task = Annotated[str, typer.Argument(help="The task's id: the last part of its upload's address.")]


def tasks(
    url: Url = DEFAULT_URL,
    page: Annotated[int, typer.Option(min=1, help="The page; the first has the newest tasks.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=100, help="Tasks on a page.")] = 20,
    every: Annotated[
        bool, typer.Option("--all", help="All pages, from the one of --page on.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Only files with this part in their name.")
    ] = None,
    state: Annotated[
        str | None, typer.Option(help="Only receiving, processing, completed or failed ones.")
    ] = None,
    created_from: Annotated[
        str | None, typer.Option("--from", help="Only of this date or time and later.")
    ] = None,
    created_before: Annotated[
        str | None, typer.Option("--before", help="Only from before this date or time.")
    ] = None,
    as_json: Json = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """List your files and their tasks, newest first."""
    given = {
        "name": name, "state": state, "created_from": created_from,
        "created_before": created_before,
    }  # fmt: skip
    selected = {key: value for key, value in given.items() if value is not None}
    shown = 0
    with opened_client(url, token, client_options(cacert, insecure=insecure)) as client:
        found = client.tasks(page, size, selected)
        while True:
            for task in found["tasks"]:
                _say_task(task, as_json=as_json)
            shown += len(found["tasks"])
            cursor = found.get("next")
            if not every or not isinstance(cursor, str):
                break
            found = client.tasks(size=size, selected={**selected, "cursor": cursor})
    if not as_json:
        say(f"{shown} of {found.get('total', shown)}")


def _say_task(task: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(task)
        return
    names = ("task_id", "status", "progress", "created_at", "filename")
    task_id, status, progress, created, filename = (str(task.get(name, "")) for name in names)
    say(f"{task_id}  {status:<13} {progress:>3} %  {created}  {filename}")


def watch(
    task: Task,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Follow a task to its end; exit with 1 if it failed."""
    state = {}
    with opened_client(url, token, client_options(cacert, insecure=insecure)) as client:
        for state in client.follow(client.known_upload(task)):
            if as_json:
                say_json(state)
            else:
                progress = str(state.get("progress", 0))
                text = task_text(state, reader_language())
                say(f"{state['status']:<14} {progress:>3} %  {text}".rstrip())
    raise typer.Exit(0 if state.get("status") == "completed" else 1)


def renditions(
    task: Task,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """List what can be downloaded of a finished file: its web copy, the original, its pictures."""
    with opened_client(url, token, client_options(cacert, insecure=insecure)) as client:
        found = client.renditions(client.known_upload(task))
    for one in found["renditions"]:
        if as_json:
            say_json(one)
            continue
        name, kind, size = (str(one.get(key, "")) for key in ("name", "content_type", "size"))
        say(f"{name:<24} {kind:<30} {size:>14} bytes")


def download(
    task: Task,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="A file, a directory to put it in, or - for standard output."
        ),
    ] = Path(),
    rendition: Annotated[
        str | None,
        typer.Option(
            help="The name of a rendition (see the command renditions), such as original."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file that --output names.")
    ] = False,
    retries: Retries = 12,
    url: Url = DEFAULT_URL,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Download a stored file. An existing file is replaced only with --force."""
    options = client_options(cacert, insecure=insecure, retries=retries)
    with opened_client(url, token, options) as client, progress_line() as progress:
        try:
            if output == STDOUT:
                client.download_to(
                    client.known_upload(task),
                    sys.stdout.buffer,
                    rendition=rendition,
                    progress=progress,
                )
                sys.stdout.buffer.flush()
                return
            sent = client.known_upload(task)
            target = client.download(
                sent, output, rendition=rendition, overwrite=force, progress=progress
            )
        except FileExistsError as error:
            refuse(
                f"{error.filename or output} is there already and was left as it is; see --force", 1
            )
        except OSError as error:
            refuse(f"{error.filename or output}: {error.strerror or error}", 1)
    say(str(target))
