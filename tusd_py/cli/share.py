"""Run ``tusd-py share``: make links to files for receivers without an account."""

import getpass
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from tusd_py.cli.figures import local_time
from tusd_py.cli.file_ids import named_upload
from tusd_py.cli.output import say, say_fields, say_json
from tusd_py.cli.qr_code import say_qr_code
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
from tusd_py.domain.quantities import parse_duration

MAX_PASSWORD: Final = 4096
"""The most characters that are read of standard input."""
_FIELDS: Final = (
    "id", "task_id", "url", "expires_at", "downloaded", "downloads", "has_password", "filename",
)  # fmt: skip


def share(
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="The id of a file, or its first 8 digits or more (see ls)."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long the link works, e.g. 12h or 7d.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="The link ends after one download.")] = False,
    downloads: Annotated[
        int | None, typer.Option(min=1, help="After how many downloads the link ends.")
    ] = None,
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password that receivers need.")
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read that password from standard input.")
    ] = False,
    qr: Annotated[bool, typer.Option("--qr", help="Show a QR code of the link too.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List the links to the file, or to all files.")
    ] = False,
    revoked: Annotated[
        str | None, typer.Option("--revoke", metavar="LINK", help="End the link with this id.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Make a link to a finished file, for receivers without an account.

    The link is printed to standard output, and what it is limited to, to standard error.
    """
    pairs = ((once, downloads is not None), (password, password_stdin), (as_json, qr))
    if any(one and other for one, other in pairs):
        refuse(
            text(
                "of --once and --downloads, --password and --password-stdin, --json and --qr only "
                "one each is possible"
            )
        )
    options = client_options(cacert, insecure=insecure)
    if revoked is not None:
        with opened_client(url, token, options) as client:
            client.revoke_share(revoked)
        _say_revoked(revoked, as_json=as_json)
        return
    if listed:
        with opened_client(url, token, options) as client:
            found = client.shares(None if task is None else named_upload(client, task))
        _say_links(found, as_json=as_json)
        return
    if task is None:
        refuse(text("name a file by its id; tusd-py ls shows them"))
    seconds = _seconds(expires)
    secret = None
    if password or password_stdin:
        secret = _password_of_input() if password_stdin else _password_of_terminal()
    with opened_client(url, token, options) as client:
        made = client.share(
            named_upload(client, task),
            expires_in=seconds,
            downloads=1 if once else downloads,
            password=secret,
        )
    if as_json:
        say_json(made)
        return
    say(str(made.get("url", "")))
    say(_limits(made), error=True)
    if qr:
        say_qr_code(str(made.get("url", "")))


def _seconds(given: str | None) -> int | None:
    if given is None:
        return None
    try:
        seconds = parse_duration(given)
    except ValueError as error:
        refuse(f"--expires {given}: {translated(str(error))}")
    if not isinstance(seconds, float) or seconds < 1:
        refuse(f"--expires {given}: {text('must be at least 1s')}")
    return int(seconds)


def _password_of_input() -> str:
    password = sys.stdin.readline(MAX_PASSWORD).rstrip("\r\n")
    if not password:
        refuse(text("standard input has no password"))
    return password


def _password_of_terminal() -> str:
    if not sys.stdin.isatty():
        refuse(text("there is no terminal to request the password: use --password-stdin"))
    password = getpass.getpass(text("Password for the link: "))
    if not password:
        refuse(text("no password was entered"))
    if getpass.getpass(text("The same password again: ")) != password:
        refuse(text("the passwords are not the same"))
    return password


def _limits(link: Mapping[str, Any]) -> str:
    """Return until when a link works, for how many downloads, and whether it has a password."""
    parts = [text("until {time}", time=local_time(str(link.get("expires_at", ""))))]
    most, used = link.get("downloads"), link.get("downloaded", 0)
    if most is not None:
        parts.append(text("{count} of {total} downloads", count=used, total=most))
    elif used:
        parts.append(text("{count} downloads", count=used))
    if link.get("has_password"):
        parts.append(text("with a password"))
    return ", ".join(parts)


def _say_links(links: list[dict[str, Any]], *, as_json: bool) -> None:
    for link in links:
        if as_json:
            say_json(link)
        elif sys.stdout.isatty():
            say(f"{link.get('id', '')}  {link.get('filename', '')}  {_limits(link)}")
            say(f"    {link.get('url', '')}")
        else:
            say_fields(_field(link.get(name)) for name in _FIELDS)


def _field(value: object) -> str:
    """Return a value as it is in a line for programs."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _say_revoked(share_id: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"id": share_id, "revoked": True})
    else:
        say(text("revoked: {id}", id=share_id))
