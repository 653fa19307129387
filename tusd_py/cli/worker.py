"""Run ``tusd-py worker``: the pipeline in a process of its own."""

from typing import Annotated

import typer

from tusd_py.cli.common import (
    Config,
    DataDir,
    log_service_variables,
    plain_errors,
    settings_from,
)
from tusd_py.cli.output import say_masked
from tusd_py.logs import start_logging
from tusd_py.private_files import owner_only


def worker(
    data_dir: DataDir = None,
    config: Config = None,
    workers: Annotated[int | None, typer.Option(help="Jobs at the same time.")] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            help="host:port that answers /healthz, /readyz and /metrics; none if not given."
        ),
    ] = None,
) -> None:
    """Run a worker on the data directory of a server that was started with --workers 0."""
    settings = settings_from(config, data_dir=data_dir, workers=workers, worker_listen=listen)
    start_logging(settings)
    log_service_variables()
    owner_only()
    from tusd_py.worker.app import run

    say_masked(f"tusd-py worker: {max(1, settings.workers)} jobs at the same time")
    with plain_errors():
        raise typer.Exit(run(settings, announce=say_masked))
