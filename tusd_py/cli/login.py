"""Run ``tusd-py login`` and ``logout``: keep a token for a server, and forget it."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urljoin, urlsplit

import typer

from tusd_py.cli.figures import local_time
from tusd_py.cli.logins import Login
from tusd_py.cli.output import say, say_json
from tusd_py.cli.refusal import refuse
from tusd_py.cli.server_options import (
    CaCert,
    Insecure,
    access_of,
    checked_url,
    client_options,
    names_no_path,
    opened_logins,
    refusal_text,
    server_errors,
    server_of,
    unreachable_text,
)
from tusd_py.cli.texts import text
from tusd_py.cli.token_claims import token_claims
from tusd_py.protocol.host import canonical_host, is_loopback

if TYPE_CHECKING:
    from tusd_py.client import Options

MAX_TOKEN: Final = 16384
"""The most characters that are read of standard input."""

Server = Annotated[
    str | None,
    typer.Argument(
        envvar="TUSD_URL", metavar="URL", help="The server; that of the last login if not given."
    ),
]


def login(
    url: Server = None,
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Read the token from standard input.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only show the logins that are kept.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --status: one JSON object a line.")
    ] = False,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Keep a token for a server, so that other commands need neither --url nor --token.

    The terminal requests the token; the server checks it. It is sent to this server only. The last
    login is the default one.
    """
    options = client_options(cacert, insecure=insecure)
    if status:
        _show_logins(url, options, as_json=as_json)
        return
    if as_json:
        refuse(text("--json needs --status"))
    endpoint = _endpoint_of(url, options)
    kept = Login(endpoint, _token_of_input() if with_token else None)
    checked_url(endpoint, kept.token)
    if kept.token is not None or _needs_token(endpoint, options):
        _warn_of_plain_text(endpoint)
        kept = Login(endpoint, kept.token or _token_of_terminal(endpoint))
        with server_errors(endpoint):
            _check(kept, options)
    with opened_logins() as logins:
        logins.keep(kept)
    say(text("logged in: {login}", login=_described(kept)))


def logout(url: Server = None) -> None:
    """Forget the token for a server. The token itself stays valid until its end."""
    address, _ = checked_url(server_of(url), None)
    possible = [address, *([urljoin(address, "files/")] if names_no_path(address) else [])]
    with opened_logins() as logins:
        forgotten = next((one for one in possible if logins.forget(one)), None)
    if forgotten is None:
        refuse(text("no login to {address} is kept", address=address), 1)
    say(text("forgotten: {address}", address=forgotten))


def _endpoint_of(url: str | None, options: "Options") -> str:
    """Return the tus endpoint of the server; exit if there is none."""
    from tusd_py.client.discovery import find_endpoint

    address, has_user = checked_url(server_of(url), None)
    if has_user:
        refuse(text("leave the user and the password out of the address"))
    with server_errors(address):
        return find_endpoint(address, options)


def _check(login: Login, options: "Options") -> None:
    """Send a request with the token, or without one. Raises: Refused, Unreachable."""
    from tusd_py.client import Client

    with Client(login.url, token=login.token, options=options) as client:
        client.tasks(1, 1)


def _needs_token(endpoint: str, options: "Options") -> bool:
    from tusd_py.client import Refused

    with server_errors(endpoint):
        try:
            _check(Login(endpoint), options)
        except Refused as error:
            if error.code == "unauthenticated":
                return True
            raise
    return False


def _token_of_input() -> str:
    token = sys.stdin.read(MAX_TOKEN).strip()
    if not token:
        refuse(text("standard input has no token"))
    return token


def _token_of_terminal(endpoint: str) -> str:
    if not sys.stdin.isatty():
        refuse(text("there is no terminal to request the token: use --with-token"))
    try:
        token = getpass.getpass(text("Token for {address}: ", address=endpoint)).strip()
    except EOFError:
        token = ""
    if not token:
        refuse(text("no token was entered, so nothing is kept"))
    checked_url(endpoint, token)
    return token


def _show_logins(url: str | None, options: "Options", *, as_json: bool) -> None:
    """Show the login in use, with what the server says of it, and then all others."""
    from tusd_py.client import Refused, Unreachable

    access = access_of(url, None, options)
    used = Login(access.address, access.token)
    code, verdict = 0, text("accepted")
    try:
        _check(used, options)
    except Refused as error:
        code, verdict = 1, refusal_text(error, used.url)
    except Unreachable as error:
        code, verdict = 3, unreachable_text(error, used.url)
    with opened_logins() as logins:
        others = [one for one in logins.all() if one.url != used.url]
    if as_json:
        say_json({**_members(used), "in_use": True, "accepted": code == 0})
        for one in others:
            say_json({**_members(one), "in_use": False, "accepted": None})
    else:
        say(f"* {_described(used)}: {verdict}")
        for one in others:
            say(f"  {_described(one)}")
    raise typer.Exit(code)


def _members(login: Login) -> dict[str, object]:
    claims = token_claims(login.token or "")
    return {
        "url": login.url,
        "has_token": login.token is not None,
        "user": claims.user or None,
        "expires_at": None if claims.ends is None else f"{claims.ends:%Y-%m-%dT%H:%M:%SZ}",
    }


def _described(login: Login) -> str:
    """Return the server, the user and the end of the token, and never the token."""
    claims = token_claims(login.token or "")
    parts = [login.url]
    if login.token is None:
        parts.append(text("without a token"))
    if claims.user:
        parts.append(text("user {user}", user=claims.user))
    if claims.ends is not None:
        parts.append(text("until {time}", time=local_time(claims.ends.isoformat())))
    return ", ".join(parts)


def _warn_of_plain_text(endpoint: str) -> None:
    """Say, before a token is entered, that others may read it on its way."""
    address = urlsplit(endpoint)
    host = canonical_host(address.netloc)
    if address.scheme == "http" and not (host and is_loopback(host)):
        say(
            "tusd-py: " + text("the token is sent without encryption: the address is not https"),
            error=True,
        )
