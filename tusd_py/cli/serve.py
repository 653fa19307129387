"""Run ``tusd-py serve``: the server, by default with its workers in the same process."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, log_service_variables, plain_errors, settings_from
from tusd_py.cli.output import say
from tusd_py.logs import start_logging
from tusd_py.private_files import owner_only
from tusd_py.processes.parent import Parent, has_parent
from tusd_py.processes.sources import Sources
from tusd_py.settings.identity import check_identity


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")] = None,
    data_dir: DataDir = None,
    config: Config = None,
    max_size: Annotated[
        str | None, typer.Option(help="Largest upload, e.g. 10GiB; 0: unlimited.")
    ] = None,
    upload_expires: Annotated[
        str | None,
        typer.Option(
            help="Unfinished uploads are removed after this time without a byte, e.g. 24h; "
            "0: never."
        ),
    ] = None,
    idle_timeout: Annotated[
        str | None, typer.Option(help="A body that is silent for this time is given up, e.g. 60s.")
    ] = None,
    behind_proxy: Annotated[
        bool | None,
        typer.Option("--behind-proxy/--no-behind-proxy", help="Trust Forwarded headers."),
    ] = None,
    durability: Annotated[str | None, typer.Option(help="finish, strict or off.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Jobs at the same time; 0: no pipeline in this process.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Server processes on the port; 0: one for each core.")
    ] = None,
) -> None:
    """Run the server: tus endpoint, the JSON API, live events and the pipeline."""
    flags: dict[str, object] = {
        "host": host,
        "port": port,
        "data_dir": None if data_dir is None else str(data_dir),
        "max_size": max_size,
        "upload_expires": upload_expires,
        "idle_timeout": idle_timeout,
        "behind_proxy": behind_proxy,
        "durability": durability,
        "workers": workers,
        "processes": processes,
    }
    settings = settings_from(config, **flags)
    with plain_errors():
        check_identity(settings)
    alone = not has_parent(settings.processes)
    start_logging(settings, process=None if alone else "parent")
    log_service_variables()
    owner_only()
    with plain_errors():
        if alone:
            from tusd_py.server import serve as run

            raise typer.Exit(run(settings, announce=say))
        parent = Parent(settings, Sources(config, flags), announce=say)
        raise typer.Exit(parent.run())
