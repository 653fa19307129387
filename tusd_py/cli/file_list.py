"""Run ``tusd-py ls``: list the files of a user, as a table for people or as lines for programs."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from tusd_py.catalog.values import FileState
from tusd_py.cli.figures import local_time
from tusd_py.cli.file_ids import SHORT
from tusd_py.cli.output import console, say, say_fields, say_json
from tusd_py.cli.refusal import refuse
from tusd_py.cli.server_options import (
    CaCert,
    Insecure,
    Json,
    Token,
    Url,
    client_options,
    opened_client,
)
from tusd_py.cli.steps import step_name, step_percent
from tusd_py.cli.texts import text
from tusd_py.domain.printable import printable
from tusd_py.domain.sizes import size_text

SHORTEST_NAME: Final = 10
"""Columns for names; a terminal that is narrower shows no dates."""
_COLUMNS: Final = ("task_id", "file_size", "created_at", "status", "filename")


def ls(
    url: Url = None,
    page: Annotated[int, typer.Option(min=1, help="The page; the first has the newest files.")] = 1,
    size: Annotated[int, typer.Option(min=1, max=100, help="Files on a page.")] = 20,
    every: Annotated[
        bool, typer.Option("--all", help="All pages, from the one of --page on.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Only files with this part in their name.")
    ] = None,
    state: Annotated[
        FileState | None,
        typer.Option(help="Only receiving, processing, completed or failed ones."),
    ] = None,
    created_from: Annotated[
        str | None, typer.Option("--from", help="Only of this date or time and later.")
    ] = None,
    created_before: Annotated[
        str | None, typer.Option("--before", help="Only from before this date or time.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show the whole ids.")] = False,
    as_json: Json = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """List your files, newest first.

    A terminal shows a table. Elsewhere each file is a line with its id, bytes, time (RFC 3339),
    state and name, separated by tabs.
    """
    given = {
        "name": name, "state": state, "created_from": _moment("--from", created_from),
        "created_before": _moment("--before", created_before),
    }  # fmt: skip
    selected = {key: value for key, value in given.items() if value is not None}
    shown = 0
    with opened_client(url, token, client_options(cacert, insecure=insecure)) as client:
        found = client.tasks(page, size, selected)
        while True:
            _say_files(found["tasks"], as_json=as_json, full=full)
            shown += len(found["tasks"])
            cursor = found.get("next")
            if not every or not isinstance(cursor, str):
                break
            found = client.tasks(size=size, selected={**selected, "cursor": cursor})
    if not as_json:
        say(text("{count} of {total}", count=shown, total=found.get("total", shown)), error=True)


def _moment(option: str, given: str | None) -> str | None:
    """Return a date or a time in UTC; one without a zone is local, as those of the table are."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        refuse(f"{option} {given}: {text('must be a date or a time, such as 2026-11-29')}")
    return moment.isoformat().replace("+00:00", "Z")


def _say_files(files: Sequence[Mapping[str, Any]], *, as_json: bool, full: bool) -> None:
    if as_json:
        for file in files:
            say_json(file)
    elif sys.stdout.isatty():
        _say_table(files, full=full)
    else:
        for file in files:
            say_fields(str(file.get(column, "")) for column in _COLUMNS)


def _say_table(files: Sequence[Mapping[str, Any]], *, full: bool) -> None:
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    digits = None if full else _digits([str(file.get("task_id", "")) for file in files])
    headings = ["ID", text("Size"), text("Date"), text("State"), text("Name")]
    rows = [headings, *([printable(cell) for cell in _cells(file, digits)] for file in files)]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    screen = console()
    shown = [0, 1, 2, 3, 4]
    if sum(widths[:4]) + 8 + SHORTEST_NAME > screen.width:
        shown.remove(2)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at in shown:
        # A narrow terminal shortens the name only.
        is_name = at == 4
        table.add_column(
            headings[at],
            no_wrap=not is_name,
            justify="right" if at == 1 else "left",
            min_width=None if is_name else widths[at],
        )
    for row in rows[1:]:
        table.add_row(*(Text(row[at], no_wrap=True, overflow="ellipsis") for at in shown))
    if files:
        screen.print(table)


def _digits(ids: Sequence[str]) -> int:
    """Return how many digits tell these ids apart."""
    digits = SHORT
    while len({one[:digits] for one in ids}) < len(set(ids)):
        digits += 1
    return digits


def _cells(file: Mapping[str, Any], digits: int | None) -> tuple[str, str, str, str, str]:
    percent, size = step_percent(file), file.get("file_size")
    state = step_name(str(file.get("status", "")))
    return (
        str(file.get("task_id", ""))[:digits],
        size_text(size) if isinstance(size, int) else "",
        local_time(str(file.get("created_at", ""))),
        state if percent is None else f"{state} {percent} %",
        str(file.get("filename", "")),
    )
