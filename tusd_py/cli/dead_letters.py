"""``tusd-py dead-letters``: jobs that failed for good, and another try for them (S17)."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, plain_errors, refuse, settings_from
from tusd_py.clock import rfc3339
from tusd_py.domain.ids import parse_upload_id
from tusd_py.domain.job import Job
from tusd_py.domain.task import TEXT_STARTED, TaskChange, TaskStatus
from tusd_py.ports import Ports
from tusd_py.wiring import open_ports

app = typer.Typer(help="Look at failed jobs and try them again.", no_args_is_help=True)


@app.command("list")
def show(data_dir: DataDir = None, config: Config = None) -> None:
    """List failed jobs, newest first: task, time, code, reason."""
    with plain_errors():
        ports = open_ports(settings_from(config, data_dir=data_dir))
        try:
            for job in ports.catalog.dead_letters():
                created = rfc3339(job.created_at)
                typer.echo(f"{job.task_id}  {created}  {job.error_code}  {job.error_msg}")
        finally:
            ports.close()


@app.command("retry")
def retry(
    task_ids: Annotated[list[str], typer.Argument(help="Tasks to try again, or: all.")],
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Put failed jobs back into the queue."""
    with plain_errors():
        ports = open_ports(settings_from(config, data_dir=data_dir))
        try:
            wanted = [str(job.task_id) for job in ports.catalog.dead_letters()]
            refused = [
                name
                for name in (wanted if task_ids == ["all"] else task_ids)
                if not _reopen(ports, name)
            ]
        finally:
            ports.close()
    if refused:
        refuse(f"not a failed job, or its source is gone: {', '.join(refused)}", 1)


def _reopen(ports: Ports, name: str) -> bool:
    task_id = parse_upload_id(name)
    job = ports.catalog.reopen(task_id) if task_id is not None else None
    if job is None:
        return False
    from worker.reporter import facts_of

    ports.tasks.put(facts_of(job), _again(job))
    typer.echo(f"{job.task_id} queued again")
    return True


def _again(job: Job) -> TaskChange:
    """What the task shows until a worker takes it: a newer attempt than the one that failed."""
    return TaskChange(
        status=TaskStatus.PROCESSING,
        progress=0,
        attempt=job.fence + 1,
        message=TEXT_STARTED,
        reopen=True,
    )
