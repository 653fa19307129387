"""Define the options of the commands that use a server, and open a client of it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tusd_py.cli.common import refuse
from tusd_py.cli.output import say_pause

if TYPE_CHECKING:
    from tusd_py.client import Client, Options

DEFAULT_URL: Final = "http://127.0.0.1:8888/files/"

Url = Annotated[str, typer.Option(envvar="TUSD_URL", help="The server's tus endpoint.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="TUSD_TOKEN", help="A session token of the server."),
]
CaCert = Annotated[
    Path | None,
    typer.Option(
        "--cacert",
        envvar="TUSD_CACERT",
        help="A PEM file of certificates that are trusted in addition to those of the system.",
    ),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Do not check the server's certificate.")
]


def trusting(cacert: Path | None, *, insecure: bool) -> ssl.SSLContext:
    """Return a context that trusts what the options name; exit if the file is not right."""
    from tusd_py.client.certificates import tls_context

    try:
        return tls_context(cacert, checks=not insecure)
    except ssl.SSLError:
        refuse(f"--cacert {cacert}: is no PEM file of certificates")
    except OSError as error:
        refuse(f"--cacert {cacert}: {error.strerror or error}")


def checked_url(url: str, token: str | None) -> str:
    """Return the address without user and password; exit if it or the token is wrong."""
    from tusd_py.client.origin import checked_endpoint, checked_token

    try:
        address, _ = checked_endpoint(url)
    except ValueError as error:
        refuse(f"--url {url}: {error}")
    try:
        checked_token(token or "")
    except ValueError as error:
        refuse(f"--token: {error}")
    return address


@contextmanager
def opened_client(url: str, token: str | None, options: "Options") -> "Iterator[Client]":
    """Open a client for a block; exit with a sentence if the server refuses or is away."""
    # The HTTP client is imported by the commands that need it.
    from tusd_py.client import Client, Refused, Unreachable

    address = checked_url(url, token)
    try:
        with Client(url, token=token, options=options) as client:
            yield client
    except Refused as error:
        refuse(str(error), 1)
    except Unreachable as error:
        refuse(f"{address} can't be reached ({error})", 3)


def client_options(
    cacert: Path | None,
    *,
    insecure: bool,
    retries: int = 12,
    chunk_bytes: int | None = None,
) -> "Options":
    """Return the options of the client of a command."""
    from tusd_py.client import Options

    return Options(
        retries=retries,
        chunk_bytes=chunk_bytes,
        on_pause=say_pause,
        verify=trusting(cacert, insecure=insecure),
    )
