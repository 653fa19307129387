"""Run ``tusd-py reprocess``: process stored files again, after a better setting or ffmpeg."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter, ValidationError

from tusd_py.cli.common import Config, DataDir, opened_ports, plain_errors, settings_from
from tusd_py.cli.output import say
from tusd_py.cli.refusal import refuse
from tusd_py.domain.errors import BackendError, TusdError
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.domain.job import LAST_PRIORITY
from tusd_py.ports import Ports
from tusd_py.settings.values import Duration

PAGE: Final = 500
_DURATION: Final[TypeAdapter[float]] = TypeAdapter(Duration)


def reprocess(
    tasks: Annotated[list[str] | None, typer.Argument(help="Tasks whose files to process.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All files of the pool instead.")] = False,
    kind: Annotated[
        str,
        typer.Option(help="With --all: only video, image, audio ..., by what users get."),
    ] = "",
    older_than: Annotated[
        str,
        typer.Option(help="With --all: only files that are stored for longer, e.g. 30d."),
    ] = "0s",
    note: Annotated[
        str,
        typer.Option(help="With --all: only tasks with this note, e.g. out_of_memory."),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list them.")] = False,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Make all renditions of stored files again; they replace the earlier ones at the end.

    Workers do this with their own settings, in turn with all other jobs; the jobs of --all come
    after every other job. A file of which the original is not kept can't be processed again.
    """
    if bool(tasks) == every:
        refuse("name tasks, or use --all")
    try:
        age = _DURATION.validate_python(older_than)
    except ValidationError:
        refuse(f"--older-than {older_than}: a duration is written like 90s, 12h or 30d")
    refused = 0
    with plain_errors(), opened_ports(settings_from(config, data_dir=data_dir)) as ports:
        names = iter(tasks or ())
        if every:
            before = ports.clock.now() - age
            names = iter(_all(ports, kind=kind, before=before, note=note))
        for name in names:
            if dry_run:
                say(name)
            elif not _queue(ports, name, priority=LAST_PRIORITY if every else None):
                refused += 1
    if refused:
        raise typer.Exit(1)


def _all(ports: Ports, *, kind: str, before: float, note: str) -> Iterator[str]:
    after: UploadId | None = None
    while True:
        found = ports.catalog.jobs.stored_uploads(
            kind=kind, before=before, note=note, after=after, limit=PAGE
        )
        yield from found
        if len(found) < PAGE:
            return
        after = found[-1]


def _queue(ports: Ports, name: str, *, priority: int | None) -> bool:
    task_id = parse_upload_id(name)
    if task_id is None:
        say(f"tusd-py: {name} is not the id of a task", error=True)
        return False
    try:
        ports.catalog.jobs.add_reprocess_job(task_id, priority=priority)
    except BackendError:
        raise
    except TusdError as error:
        say(f"tusd-py: {name} {error.code}: {error.detail}", error=True)
        return False
    say(f"{name} queued")
    return True
