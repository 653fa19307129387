"""Run ``tusd-py upload``: send files, resume after failures, and follow their tasks."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tusd_py.cli.output import say
from tusd_py.cli.refusal import refuse
from tusd_py.cli.server_options import (
    CaCert,
    Insecure,
    Json,
    Token,
    Url,
    access_of,
    client_options,
    unreachable_text,
)
from tusd_py.cli.texts import text, translated
from tusd_py.domain.quantities import parse_size

if TYPE_CHECKING:
    from tusd_py.cli.sources import Source


class ProtocolName(StrEnum):
    """Names a protocol by which files are sent."""

    TUS = "tus"
    IETF = "ietf"


Files = Annotated[
    list[Path],
    typer.Argument(help="Files, folders (all in them), 'patterns', or - for standard input."),
]


def upload(
    files: Files,
    url: Url = None,
    metadata: Annotated[
        list[str] | None, typer.Option(help="More metadata, key=value; may be repeated.")
    ] = None,
    protocol: Annotated[
        ProtocolName,
        typer.Option(help="tus, or the IETF's draft of resumable uploads (experimental)."),
    ] = ProtocolName.TUS,
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
    as_json: Json = False,
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
    from tusd_py.cli.sending import Running, send_files
    from tusd_py.cli.sources import sources_of
    from tusd_py.client import IetfDraft, Tus, Unreachable

    options = client_options(
        cacert,
        insecure=insecure,
        protocol=Tus() if protocol is ProtocolName.TUS else IetfDraft(),
        retries=retries,
        chunk_bytes=chunk_bytes,
    )
    access = access_of(url, token, options)
    found = sources_of(files)
    sources = [source for source in found if hidden or not source.is_hidden]
    left_out = len(found) - len(sources)
    if left_out:
        omitted = text("hidden files left out: {count} (--hidden sends them)", count=left_out)
        say(f"tusd-py: {omitted}", error=True)
    if not sources:
        refuse(text("there is no file in what was named"))
    running = Running()
    try:
        failed = send_files(
            sources,
            access,
            extra,
            options,
            running=running,
            parallel=parallel,
            as_json=as_json,
            follows=not no_follow,
            instant=not no_instant,
        )
    except Unreachable as error:
        refuse(unreachable_text(error, access.address) + _goes_on(sources), 3)
    except KeyboardInterrupt:
        followed = [] if running.unsent else running.followed
        goes_on = _processing_goes_on(followed) if followed else _goes_on(sources)
        say(f"tusd-py: {text('stopped')}{goes_on}", error=True)
        raise
    raise typer.Exit(1 if failed else 0)


def _goes_on(sources: "Sequence[Source]") -> str:
    """Return what a user may do later: what was read of a stream can't be read again."""
    if any(source.is_stream for source in sources):
        return ""
    return text("; the same command goes on later")


def _processing_goes_on(followed: "Sequence[str]") -> str:
    """Return what a user may do when everything has arrived."""
    command = f"tusd-py watch {followed[0]}" if len(followed) == 1 else "tusd-py ls"
    return text("; everything has arrived, and the server continues: {command}", command=command)


def _metadata(pairs: list[str]) -> dict[str, str]:
    from tusd_py.protocol.fields import check_metadata_key

    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            refuse(f"--metadata {pair}: {text('must be key=value')}")
        try:
            check_metadata_key(key)
        except ValueError as error:
            refuse(f"--metadata {pair}: {translated(str(error))}")
        found[key] = value
    return found


def _chunk_bytes(given: str | None) -> int | None:
    if given is None:
        return None
    try:
        size = parse_size(given)
    except ValueError as error:
        refuse(f"--chunk-size {given}: {translated(str(error))}")
    return size if isinstance(size, int) and size > 0 else None
