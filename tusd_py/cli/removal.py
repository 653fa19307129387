"""Run ``tusd-py rm``: delete files of a user."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tusd_py.cli.figures import local_time
from tusd_py.cli.file_ids import is_id, no_id_text
from tusd_py.cli.output import say, say_json
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
from tusd_py.cli.texts import text, translated
from tusd_py.domain.sizes import size_text

if TYPE_CHECKING:
    from tusd_py.client import Client

Ids = Annotated[
    list[str],
    typer.Argument(metavar="ID", help="Ids of files, or their first 8 digits or more (see ls)."),
]


@dataclass(frozen=True, slots=True)
class _Named:
    """What a user named, and the file that it is, or why it is none."""

    given: str
    file: dict[str, Any]
    failure: str = ""


def rm(
    ids: Ids,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Delete files, finished or not. This can't be undone.

    The terminal asks once for all files; elsewhere --yes is needed. A file that can't be deleted
    does not keep the others; the command exits with 1 then.
    """
    if not yes and not sys.stdin.isatty():
        refuse(text("there is no terminal to ask on: --yes deletes without a question"))
    with opened_client(url, token, client_options(cacert, insecure=insecure)) as client:
        named = [_found(client, given) for given in dict.fromkeys(ids)]
        found = [one for one in named if not one.failure]
        if found and not yes and not _agreed(found):
            say("tusd-py: " + text("nothing was deleted"), error=True)
            raise typer.Exit(1)
        failed = False
        for one in named:
            ended = one if one.failure else _deleted(client, one)
            _say(ended, as_json=as_json)
            failed = failed or bool(ended.failure)
    raise typer.Exit(1 if failed else 0)


def _found(client: "Client", given: str) -> _Named:
    from tusd_py.client import Refused

    if not is_id(given):
        return _Named(given, {}, no_id_text(given))
    try:
        return _Named(given, client.find(given))
    except Refused as error:
        if error.code in ("unauthenticated", "token_invalid", "token_expired"):
            raise
        return _Named(given, {}, translated(str(error)))


def _agreed(found: list[_Named]) -> bool:
    for one in found:
        size, created = one.file.get("file_size"), local_time(str(one.file.get("created_at", "")))
        say(
            f"{one.file.get('filename', '')}  "
            f"{size_text(size) if isinstance(size, int) else ''}  {created}",
            error=True,
        )
    question = (
        text("Delete this file?")
        if len(found) == 1
        else text("Delete these {count} files?", count=len(found))
    )
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _deleted(client: "Client", one: _Named) -> _Named:
    from tusd_py.client import Refused

    try:
        client.delete(client.known_upload(str(one.file["task_id"])))
    except Refused as error:
        return _Named(one.given, one.file, translated(str(error)))
    return one


def _say(one: _Named, *, as_json: bool) -> None:
    name = str(one.file.get("filename", ""))
    if as_json:
        failure = {"error": one.failure} if one.failure else {}
        say_json(
            {
                "id": one.given,
                "task_id": one.file.get("task_id"),
                "filename": name or None,
                "deleted": not one.failure,
                **failure,
            }
        )
    elif one.failure:
        say(f"tusd-py: {name or one.given}: {one.failure}", error=True)
    else:
        say(text("deleted: {name}", name=name))
