"""Run ``tusd-py watch``: follow the processing of a file to its end."""

from pathlib import Path

import typer

from tusd_py.cli.file_ids import FileId, named_upload
from tusd_py.cli.output import say, say_json
from tusd_py.cli.server_options import (
    CaCert,
    Insecure,
    Json,
    Token,
    Url,
    client_options,
    opened_client,
)
from tusd_py.cli.texts import text


def watch(
    task: FileId,
    url: Url = None,
    as_json: Json = False,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
) -> None:
    """Follow a file to the end of its processing; exit with 1 if that failed."""
    from tusd_py.cli.bars import output_for_people
    from tusd_py.cli.upload_output import JsonLines

    status = ""
    try:
        with (
            opened_client(url, token, client_options(cacert, insecure=insecure)) as client,
            JsonLines() if as_json else output_for_people(names=False) as out,
        ):
            sent = named_upload(client, task)
            shown = out.file(Path(sent.task_id))
            for state in client.follow(sent):
                if as_json:
                    say_json(state)
                else:
                    shown.state(sent, state)
                status = str(state.get("status", ""))
    except KeyboardInterrupt:
        goes_on = text("stopped; the server continues: tusd-py watch {id}", id=task)
        say(f"tusd-py: {goes_on}", error=True)
        raise
    raise typer.Exit(0 if status == "completed" else 1)
