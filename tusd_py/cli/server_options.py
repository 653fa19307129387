"""Define the options of the commands that use a server, and open a client of it."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urljoin, urlsplit

import typer

from tusd_py.cli.logins import Login, Logins, UnreadableLogins, logins_file
from tusd_py.cli.output import say_pause
from tusd_py.cli.refusal import refuse
from tusd_py.cli.texts import text, translated

if TYPE_CHECKING:
    from tusd_py.client import Client, Options, Refused, Unreachable
    from tusd_py.client.resumable import ResumableProtocol

DEFAULT_URL: Final = "http://127.0.0.1:8888/files/"

Url = Annotated[
    str | None,
    typer.Option(
        envvar="TUSD_URL",
        help="The address of the server or its tus endpoint; that of the last login if not given.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        help="A session token of the server; TUSD_TOKEN or that of the login to it if not given.",
    ),
]
CaCert = Annotated[
    Path | None,
    typer.Option(
        "--cacert",
        envvar="TUSD_CACERT",
        help="A PEM file of certificates that are trusted in addition to those of the system.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Do not check the server's certificate.")
]


def trusting(cacert: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Return a context that trusts what the options name; exit if the file is not right."""
    from tusd_py.client.certificates import tls_context

    try:
        return tls_context(cacert, checks=not insecure)
    except ssl.SSLError:
        refuse(f"--cacert {cacert}: {text('is no PEM file of certificates')}")
    except OSError as error:
        refuse(f"--cacert {cacert}: {translated(error.strerror or str(error))}")


@dataclass(frozen=True, slots=True)
class Access:
    """Says which server a command uses, and the token for it."""

    url: str
    """As it was given: it may contain a user and a password."""
    address: str
    """The endpoint without them."""
    token: str | None


def access_of(url: str | None, token: str | None, options: "Options") -> Access:
    """Return the server and the token that a command uses; exit if one is wrong.

    Of an address without a path, which is that of the page, the endpoint is looked for
    before a token is chosen.
    The token of a login is used for the endpoint of that login only. TUSD_TOKEN is not used for
    the last login's server, which the user did not name: it may be for another one.
    """
    server = server_of(url)
    address, has_user = checked_url(server, token)
    if names_no_path(address):
        with server_errors(address):
            server = found_endpoint(server, options)
        address, _ = checked_url(server, token)
    with opened_logins() as logins:
        if not token:
            token = token_of_environment(address)
            if token and url is None and logins.default() is not None:
                refuse(
                    text(
                        "TUSD_TOKEN is set without TUSD_URL, and the last login is to {address}: "
                        "name the server that the token is for",
                        address=address,
                    )
                )
        if not (token or has_user):
            token = logins.token_for(address)
    return Access(server, address, token)


def server_of(url: str | None) -> str:
    """Return the server of the option, or else of the last login, or else on this machine."""
    if url is not None:
        return url
    with opened_logins() as logins:
        return (logins.default() or Login(DEFAULT_URL)).url


def names_no_path(address: str) -> bool:
    """Return whether an address is that of a whole server, and so perhaps of its page."""
    return urlsplit(address).path == "/"


def found_endpoint(server: str, options: "Options") -> str:
    """Return the endpoint of a server, with the user and the password that its address has.

    Raises: Refused, Unreachable.
    """
    from tusd_py.client.discovery import find_endpoint

    return urljoin(server, urlsplit(find_endpoint(server, options)).path)


def token_of_environment(address: str) -> str | None:
    """Return TUSD_TOKEN; None if TUSD_URL says that it is for another endpoint or server.

    Exit if one of them is wrong.
    """
    from tusd_py.client.origin import same_origin

    token = os.environ.get("TUSD_TOKEN")
    if not token:
        return None
    endpoint, _ = checked_url(os.environ.get("TUSD_URL") or address, token)
    is_its_server = names_no_path(endpoint) and same_origin(endpoint, address)
    return token if is_its_server or endpoint == address else None


@contextmanager
def opened_logins() -> Iterator[Logins]:
    """Give the logins to a block; exit with a sentence if the file can't be read or written."""
    logins = Logins(logins_file())
    try:
        yield logins
    except UnreadableLogins:
        refuse(text("{file} is damaged: remove it and log in again", file=logins.file))
    except OSError as error:
        refuse(f"{error.filename or logins.file}: {translated(error.strerror or str(error))}", 1)


def checked_url(url: str, token: str | None) -> tuple[str, bool]:
    """Return the endpoint without user and password, and whether it had them.

    Exit if it or the token is wrong.
    """
    from tusd_py.client.origin import checked_endpoint, checked_token

    try:
        address, basic = checked_endpoint(url)
    except ValueError as error:
        refuse(f"--url {url}: {translated(str(error))}")
    try:
        checked_token(token or "")
    except ValueError as error:
        refuse(f"--token: {translated(str(error))}")
    return address, basic is not None


@contextmanager
def opened_client(url: str | None, token: str | None, options: "Options") -> "Iterator[Client]":
    """Open a client for a block; exit with a sentence if the server refuses or is away."""
    # The HTTP client is imported by the commands that need it.
    from tusd_py.client import Client

    access = access_of(url, token, options)
    with (
        server_errors(access.address),
        Client(access.url, token=access.token, options=options) as client,
    ):
        yield client


@contextmanager
def server_errors(address: str) -> Iterator[None]:
    """End the command with a sentence if the server at this address refuses or is away."""
    from tusd_py.client import Refused, Unreachable

    try:
        yield
    except Refused as error:
        refuse(refusal_text(error, address), 1)
    except Unreachable as error:
        refuse(unreachable_text(error, address), 3)


def refusal_text(error: "Refused", address: str) -> str:
    """Return why the server refused, and for a token what to do."""
    if error.code == "unauthenticated":
        return text("{address} needs a token: tusd-py login {address}", address=address)
    if error.code == "token_invalid":
        return text("{address} does not accept the token: tusd-py login {address}", address=address)
    if error.code == "token_expired":
        return text("the token for {address} has expired: tusd-py login {address}", address=address)
    return translated(str(error))


def unreachable_text(error: "Unreachable", address: str) -> str:
    """Return that a server can't be reached, and why."""
    reason = translated(str(error))
    return text("{address} can't be reached ({reason})", address=address, reason=reason)


def client_options(
    cacert: Path | None,
    *,
    insecure: bool,
    protocol: "ResumableProtocol | None" = None,
    retries: int = 12,
    chunk_bytes: int | None = None,
) -> "Options":
    """Return the options of the client of a command. Args: protocol: None: tus."""
    from tusd_py.client import Options, Tus

    return Options(
        protocol=protocol or Tus(),
        retries=retries,
        chunk_bytes=chunk_bytes,
        on_pause=say_pause,
        verify=trusting(cacert, insecure=insecure),
    )
