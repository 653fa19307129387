"""``tusd-py tasks``, ``watch`` and ``download``: what became of files, and the files themselves."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tusd_py.cli.common import refuse
from tusd_py.cli.upload import DEFAULT_URL, Token

if TYPE_CHECKING:
    from tusd_py.client import Client

Url = Annotated[str, typer.Option(help="The server's tus endpoint.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Task = Annotated[str, typer.Argument(help="The task's id: the last part of its upload's address.")]


@contextmanager
def _client(url: str, token: str | None) -> "Iterator[Client]":
    # The HTTP client is imported by the commands that need it.
    from tusd_py.client import Client, Refused, Unreachable

    try:
        with Client(url, token=token) as client:
            yield client
    except Refused as error:
        refuse(str(error), 1)
    except Unreachable as error:
        refuse(f"{url} can't be reached ({error})", 3)


def tasks(
    url: Url = DEFAULT_URL,
    page: Annotated[int, typer.Option(min=1, help="Which page, the newest first.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=100, help="Tasks on a page.")] = 20,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List your tasks."""
    with _client(url, token) as client:
        found = client.tasks(page, size)
    for task in found["tasks"]:
        if as_json:
            typer.echo(json.dumps(task, ensure_ascii=False))
            continue
        typer.echo(
            f"{task['task_id']}  {task['status']:<13} {task['progress']:>3} %  "
            f"{task['created_at']}  {task['filename']}"
        )
    if not as_json:
        typer.echo(f"{len(found['tasks'])} of {found['total']}")


def watch(task: Task, url: Url = DEFAULT_URL, as_json: Json = False, token: Token = None) -> None:
    """Follow a task to its end; exits with 1 if it failed."""
    state = {}
    with _client(url, token) as client:
        for state in client.follow(client.sent(task)):
            if as_json:
                typer.echo(json.dumps(state, ensure_ascii=False))
            else:
                reason = state.get("error") or state.get("message", "")
                typer.echo(f"{state['status']:<14} {state['progress']:>3} %  {reason}")
    raise typer.Exit(0 if state.get("status") == "completed" else 1)


def download(
    task: Task,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A file, or a directory to put it in.")
    ] = Path(),
    url: Url = DEFAULT_URL,
    token: Token = None,
) -> None:
    """Get a file back, as it was stored."""

    def progress(at: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{at / (1 << 20):.1f} MiB", nl=False, err=True)

    with _client(url, token) as client:
        try:
            target = client.download(client.sent(task), output, progress=progress)
        except OSError as error:
            refuse(f"{error.filename or output}: {error.strerror or error}", 1)
    typer.echo(str(target))
