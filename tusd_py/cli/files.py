"""Run ``tusd-py renditions`` and ``download``."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from tusd_py.cli.file_ids import FileId, named_upload
from tusd_py.cli.output import discard_output, progress_line, say, say_json
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

STDOUT: Final = Path("-")
Retries = Annotated[
    int,
    typer.Option(min=0, help="Failures in a row, without progress between them, before giving up."),
]


def renditions(
    task: FileId,
    url: Url = None,
    as_json: Json = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """List what can be downloaded of a finished file: its web copy, the original, its pictures."""
    with opened_client(url, token, client_options(cacert, insecure=insecure)) as client:
        found = client.renditions(named_upload(client, task))
    for one in found["renditions"]:
        if as_json:
            say_json(one)
            continue
        size = one.get("size")
        name, kind = (str(one.get(key, "")) for key in ("name", "content_type"))
        say(f"{name:<24} {kind:<30} {size_text(size) if isinstance(size, int) else '':>10}")


def download(
    task: FileId,
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
    url: Url = None,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Download a stored file. An existing file is replaced only with --force."""
    options = client_options(cacert, insecure=insecure, retries=retries)
    try:
        with opened_client(url, token, options) as client, progress_line() as progress:
            sent = named_upload(client, task)
            if output == STDOUT:
                client.download_to(sent, sys.stdout.buffer, rendition=rendition, progress=progress)
                sys.stdout.buffer.flush()
                return
            target = client.download(
                sent, output, rendition=rendition, overwrite=force, progress=progress
            )
    except FileExistsError as error:
        kept = Path(error.filename or output)
        if kept.is_symlink() or kept.is_file():
            sentence = text("{file} is there already and was left as it is; see --force", file=kept)
        else:
            sentence = text("{file} is no regular file; -o - > {file} writes into it", file=kept)
        refuse(sentence, 1)
    except BrokenPipeError:
        # The reader of standard output has enough.
        raise
    except OSError as error:
        # Its own name is that of a temporary file.
        discard_output()
        refuse(f"{output}: {translated(error.strerror or str(error))}", 1)
    except KeyboardInterrupt:
        stopped = text("stopped, and nothing was kept; the same command begins again")
        say(f"tusd-py: {stopped}", error=True)
        raise
    say(str(target))
