"""Run ``tusd-py upload``: send files, resume after failures, and follow their tasks."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tusd_py.cli.common import refuse
from tusd_py.cli.output import say
from tusd_py.cli.server_options import (
    DEFAULT_URL,
    CaCert,
    Insecure,
    Token,
    Url,
    checked_url,
    client_options,
)
from tusd_py.settings.values import parse_size

if TYPE_CHECKING:
    from tusd_py.cli.sources import Source

Files = Annotated[
    list[Path],
    typer.Argument(help="Files, folders (all in them), 'patterns', or - for standard input."),
]


def upload(
    files: Files,
    url: Url = DEFAULT_URL,
    metadata: Annotated[
        list[str] | None, typer.Option(help="More metadata, key=value; may be repeated.")
    ] = None,
    chunk_size: Annotated[
        str | None, typer.Option(help="Send in pieces of this size, e.g. 64MiB.")
    ] = None,
    retries: Annotated[
        int,
        typer.Option(
            min=0, help="Failures in a row, without a byte between them, before giving up."
        ),
    ] = 12,
    parallel: Annotated[
        int, typer.Option(min=1, max=64, help="Files that are sent at the same time.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    no_instant: Annotated[
        bool,
        typer.Option("--no-instant", help="Do not hash first: send everything, held or not."),
    ] = False,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Send the hidden files in folders too.")
    ] = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
    no_follow: Annotated[
        bool,
        typer.Option(
            "--no-follow", help="Do not wait for the processing; print the address and the task."
        ),
    ] = False,
) -> None:
    """Send files; the same command again resumes where it stopped."""
    extra = _metadata(metadata or [])
    chunk_bytes = _chunk_bytes(chunk_size)
    # HTTP client and progress bar are imported by the one command that needs them.
    from tusd_py.cli.sending import send_files
    from tusd_py.cli.sources import sources_of
    from tusd_py.client import Unreachable

    endpoint = checked_url(url, token)
    found = sources_of(files)
    sources = [source for source in found if hidden or not source.is_hidden]
    left_out = len(found) - len(sources)
    if left_out:
        say(f"tusd-py: hidden files left out: {left_out} (--hidden sends them)", error=True)
    if not sources:
        refuse("there is no file in what was named")
    try:
        failed = send_files(
            sources,
            url,
            extra,
            client_options(cacert, insecure=insecure, retries=retries, chunk_bytes=chunk_bytes),
            parallel=parallel,
            as_json=as_json,
            follows=not no_follow,
            instant=not no_instant,
            token=token,
        )
    except Unreachable as error:
        refuse(f"{endpoint} can't be reached ({error}){_goes_on(sources)}", 3)
    except KeyboardInterrupt:
        say(f"tusd-py: stopped{_goes_on(sources)}", error=True)
        raise
    raise typer.Exit(1 if failed else 0)


def _goes_on(sources: "Sequence[Source]") -> str:
    """Return what a user may do later: what was read of a stream can't be read again."""
    streams = any(source.is_stream for source in sources)
    return "" if streams else "; the same command goes on later"


def _metadata(pairs: list[str]) -> dict[str, str]:
    from tusd_py.protocol.fields import check_metadata_key

    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            refuse(f"--metadata {pair}: must be key=value")
        try:
            check_metadata_key(key)
        except ValueError as error:
            refuse(f"--metadata {pair}: {error}")
        found[key] = value
    return found


def _chunk_bytes(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        size = parse_size(text)
    except ValueError as error:
        refuse(f"--chunk-size {text}: {error}")
    return size if isinstance(size, int) and size > 0 else None
