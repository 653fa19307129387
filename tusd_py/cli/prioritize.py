"""Run ``tusd-py prioritize``: process waiting files before all others."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, opened_ports, plain_errors, settings_from
from tusd_py.cli.output import say
from tusd_py.cli.refusal import refuse
from tusd_py.domain.ids import parse_upload_id
from tusd_py.ports import Ports


def prioritize(
    tasks: Annotated[list[str], typer.Argument(help="Tasks that wait for a worker.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Process files that wait for a worker before all others."""
    with plain_errors(), opened_ports(settings_from(config, data_dir=data_dir)) as ports:
        refused = [name for name in tasks if not _moved(ports, name)]
    if refused:
        refuse(f"no task that waits for a worker: {', '.join(refused)}", 1)


def _moved(ports: Ports, name: str) -> bool:
    task_id = parse_upload_id(name)
    if task_id is None or not ports.catalog.jobs.put_first(task_id):
        return False
    say(f"{task_id} is next")
    return True
