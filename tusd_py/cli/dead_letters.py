"""Run ``tusd-py dead-letters``: list failed jobs and retry them (requirement S17)."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, opened_ports, plain_errors, settings_from
from tusd_py.cli.output import say
from tusd_py.cli.refusal import refuse
from tusd_py.clock import rfc3339
from tusd_py.domain.ids import parse_upload_id
from tusd_py.jobs.failed_jobs import drop_failed, reopen_failed
from tusd_py.monitoring.overview import preview
from tusd_py.ports import Ports

app = typer.Typer(help="List failed jobs and retry them.", no_args_is_help=True)


@app.command("list")
def show(data_dir: DataDir = None, config: Config = None) -> None:
    """List failed jobs, newest first (task, time, code, reason), then dead-lettered messages."""
    with plain_errors(), opened_ports(settings_from(config, data_dir=data_dir)) as ports:
        for job in ports.catalog.jobs.dead_letters():
            created = rfc3339(job.created_at)
            say(f"{job.task_id}  {created}  {job.error_code}  {job.error_msg}")
        for letter in ports.queue.dead_letters():
            say(f"message {letter.id}  {letter.reason}  {preview(letter.payload)}")


@app.command("retry")
def retry(
    ids: Annotated[list[str], typer.Argument(help="Tasks or messages to retry, or: all.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Put failed jobs and dead-lettered messages back into the queue."""
    with plain_errors(), opened_ports(settings_from(config, data_dir=data_dir)) as ports:
        wanted = _all(ports) if ids == ["all"] else ids
        left = [name for name in wanted if not _reopen(ports, name)]
        settled = ports.queue.settle_dead_letters(left, again=True) if left else ()
        for name in settled:
            say(f"message {name} queued again")
    refused = [name for name in left if name not in settled]
    if refused:
        refuse(f"not a failed job, or its source is gone, and no message: {', '.join(refused)}", 1)


@app.command("drop")
def drop(
    ids: Annotated[list[str], typer.Argument(help="Failed jobs or messages to give up.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Give up failed jobs, whose files are removed, and dead-lettered messages."""
    with plain_errors(), opened_ports(settings_from(config, data_dir=data_dir)) as ports:
        left = [name for name in ids if not _drop(ports, name)]
        settled = ports.queue.settle_dead_letters(left, again=False) if left else ()
        for name in settled:
            say(f"message {name} dropped")
    refused = [name for name in left if name not in settled]
    if refused:
        refuse(f"neither a failed job nor a dead letter: {', '.join(refused)}", 1)


def _all(ports: Ports) -> list[str]:
    jobs = [str(job.task_id) for job in ports.catalog.jobs.dead_letters()]
    return [*jobs, *dict.fromkeys(letter.id for letter in ports.queue.dead_letters())]


def _reopen(ports: Ports, name: str) -> bool:
    task_id = parse_upload_id(name)
    if task_id is None or reopen_failed(ports.catalog, ports.tasks, task_id) is None:
        return False
    say(f"{task_id} queued again")
    return True


def _drop(ports: Ports, name: str) -> bool:
    task_id = parse_upload_id(name)
    if task_id is None or not drop_failed(ports.catalog, ports.stores, task_id):
        return False
    say(f"{task_id} dropped")
    return True
